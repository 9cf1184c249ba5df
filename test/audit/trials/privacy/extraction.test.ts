import { describe, expect, test } from "vitest";
import { type Extraction, trialAttacks } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, type Model } from "#model";
import { floats } from "#onnx";
import { extraction } from "../../../../src/audit/trials/privacy/extraction.ts";
import {
  linearModel,
  reference,
  smallDigits,
  untrained,
} from "../../../reference.ts";
import { trialInput } from "../../trial-input.ts";

const units = trialAttacks.filter(
  (unit) => unit.kind === "extraction",
) as Extraction[];
const byId = (id: string) => units.find((u) => u.id === id) as Extraction;

/**
 * A model under trial, whose thief asks about the training images without their labels.
 */
async function tried(unit: Extraction, model: Model, params: object) {
  const data = await smallDigits();
  return extraction.run(
    trialInput(unit, params, model, data, { base: untrained(), source: data }),
  );
}

test("a linear victim is recovered from d + 1 queries", async () => {
  const random = new Random(4);
  const [width, classes] = [12, 4];
  const draw = () => 2 * random.normal();
  const weights = Array.from({ length: classes }, () =>
    Array.from({ length: width }, draw),
  );
  const victim = linearModel(weights, Array.from({ length: classes }, draw));
  const compiled = await compile(victim, onnxruntime);
  let asked = 0;
  const ask = async (x: ReturnType<typeof floats>) => {
    asked += x.dims[0] ?? 0;
    const { data, dims } = await compiled.logits(x);
    const p = Float32Array.from(data);
    for (let i = 0; i < p.length; i += classes) {
      const row = p.subarray(i, i + classes).map(Math.exp);
      const whole = row.reduce((s, v) => s + v, 0);
      p.set(
        row.map((v) => v / whole),
        i,
      );
    }
    return floats(dims, p);
  };
  const steal = async (count: number) => {
    const model = await byId("equation-solving").steal({
      ask,
      count,
      inputs: floats([0, width], []),
      start: victim,
      params: { budgets: [count] },
      engine: onnxruntime,
      random: new Random(2),
    });
    const x = floats(
      [50, width],
      Array.from({ length: 50 * width }, () => random.uniform()),
    );
    const copy = await compile(model, onnxruntime);
    const [own, theirs] = [await compiled.logits(x), await copy.logits(x)];
    await copy.release();
    // Logits are told up to a constant for each input.
    return Math.max(
      ...own.data.map((v, i) => {
        const zero = i - (i % classes);
        return Math.abs(
          v - own.data[zero]! - (theirs.data[i]! - theirs.data[zero]!),
        );
      }),
    );
  };
  expect(await steal(width + 1)).toBeLessThan(1e-2);
  expect(asked).toBe(width + 1);
  expect(await steal(5 * width)).toBeLessThan(1e-3);
  expect(await steal(width - 3)).toBeGreaterThan(0.1);
  await compiled.release();
});

describe.each(units.map((u) => [u.id, u] as const))(
  "extraction %s",
  (id, unit) => {
    test("keeps to its budget, copies more than shuffled answers teach, and is the same under its seed", async () => {
      const victim = await reference();
      const quick = id === "knockoff" ? { epochs: 10, learningRate: 0.01 } : {};
      const params = { budgets: [20, 100], ...quick };
      const found = await tried(unit, victim, params);
      expect(found.checks.map((c) => c.status)).toEqual(["passed"]);
      const copied = found.findings.filter((f) => f.id === "agreement");
      expect(copied.every((f) => f.value !== null)).toBe(true);
      expect(await tried(unit, victim, params)).toEqual(found);
    });
  },
);

test("an attack that asks more than it may is stopped", async () => {
  const greedy: Extraction = {
    ...byId("knockoff"),
    async steal({ ask, inputs, start }) {
      await ask(inputs);
      return start;
    },
  };
  await expect(
    tried(greedy, await reference(), { budgets: [10] }),
  ).rejects.toThrow(/10 at most/);
});
