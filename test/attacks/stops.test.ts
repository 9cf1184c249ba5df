import { beforeAll, describe, expect, test } from "vitest";
import { type Attack, attackOn, attacks, ballOf } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { type CompiledModel, compile } from "#model";
import type { FloatTensor } from "#onnx";
import { reference, smallDigits } from "../reference.ts";
import { quick } from "./quick.ts";

// A sample that is broken is asked about no more: not by further restarts, steps or
// targets. Attacks that make one perturbation for all samples, corruptions, which are
// each measured, and transfer, which asks the base, are apart.

const SAMPLES = 4;

/** What is strong enough to break a sample of the few. */
const stronger: typeof quick = {
  "cw-l2": { initialConst: 10 },
  ead: { initialConst: 10 },
};

let model: CompiledModel;
let data: { x: FloatTensor; y: Int32Array };

beforeAll(async () => {
  ({ test: data } = await smallDigits());
  model = await compile(await reference(), onnxruntime);
});

const apart = ["universal", "corruption", "transfer", "control"];

// MoEvA breaks none of these few in the time of a test, and so shows nothing.
const stopping = attacks.filter(
  ({ id, family }) => !apart.includes(family) && id !== "moeva",
);

/** Samples that an attack broke, and by how many queries each, of those it made. */
async function queriesOf(unit: Attack, eps: number) {
  const norm = unit.norms[0]!;
  const ball = ballOf(norm, norm === "l0" ? Math.ceil(64 * eps) : eps, [0, 1]);
  const more = "restarts" in unit.params.shape ? { restarts: 3 } : {};
  const params = unit.params.parse({
    ...quick[unit.id],
    ...stronger[unit.id],
    ...more,
  });
  const found: { brokenAt: number; made: number }[] = [];
  for (let row = 0; row < SAMPLES; row++) {
    const { target, run } = attackOn(
      model,
      data,
      { unit, params },
      { ball },
      { rows: [row], random: new Random(1) },
    );
    await run();
    const { forward, gradient } = target.queries;
    const brokenAt = target.brokenAt[0] ?? 0;
    if (brokenAt > 0) found.push({ brokenAt, made: forward + gradient });
  }
  return found;
}

describe.each(stopping)("$id", (unit) => {
  test("asks nothing of a sample that it has broken", async () => {
    const found = await queriesOf(unit, 0.25);
    for (const eps of [1, 4])
      if (found.length === 0) found.push(...(await queriesOf(unit, eps)));
    for (const { brokenAt, made } of found) expect(made).toBe(brokenAt);
    // Nothing that breaks no sample has shown that it stops.
    expect(found.length).toBeGreaterThan(0);
  });
});
