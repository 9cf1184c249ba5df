import { describe, expect, test } from "vitest";
import { type Membership, type Shadow, trialAttacks } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { type FloatTensor, floats, takeRows } from "#onnx";
import { roc } from "../../src/audit/statistics/roc.ts";

const units = trialAttacks.filter(
  (unit) => unit.kind === "membership",
) as Membership[];

/** Parameters that take less time. */
const quick: Record<string, object> = { "shadow-models": { epochs: 4 } };

const [N, Z, CLASSES] = [120, 40, 3];
const y = Int32Array.from({ length: N }, (_, i) => i % CLASSES);
const others = Int32Array.from({ length: Z }, (_, i) => i % CLASSES);
const random = new Random(7);
/** How hard each sample is. */
const hard = Array.from(y, () => random.normal());
const isMember = Array.from(y, () => random.uniform() < 0.5);

/** Outputs of a model that is surer of what it learned from. */
function answers(labels: Int32Array, learned: readonly boolean[]): FloatTensor {
  const data = Float32Array.from({ length: labels.length * CLASSES }, () =>
    random.normal(),
  );
  labels.forEach((label, i) => {
    data[i * CLASSES + label] =
      2 - hard[i]! + (learned[i] ? 3 : 0) + random.normal() / 2;
  });
  return floats([labels.length, CLASSES], data);
}

const none = Array.from(y, () => false);
const released = answers(y, isMember);
const population = { logits: answers(others, none), y: others };
const reference = answers(y, none);
const shadowsOf = (count: number): Shadow[] =>
  Array.from({ length: count / 2 }, () =>
    Array.from(y, () => random.uniform() < 0.5),
  ).flatMap((half) =>
    [half, half.map((is) => !is)].map((learned) => ({
      learned,
      logits: answers(y, learned),
      population: answers(others, none),
    })),
  );
const shadows = shadowsOf(8);

/** The scores of the samples at these places, asked in this order. */
async function scores(unit: Membership, order: readonly number[]) {
  const at = (logits: FloatTensor) => takeRows(logits, order);
  const asked: Parameters<Membership["score"]>[0] = {
    samples: {
      logits: at(released),
      y: Int32Array.from(order, (i) => y[i]!),
    },
    population,
    shadows: shadows.map((s) => ({
      ...s,
      logits: at(s.logits),
      learned: order.map((i) => s.learned[i]!),
    })),
    reference: at(reference),
    params: unit.params.parse(quick[unit.id] ?? {}),
    engine: onnxruntime,
    random: new Random(5),
  };
  return unit.score(asked);
}

const all = Array.from(y.keys());

describe.each(units.map((u) => [u.id, u] as const))(
  "membership %s",
  (_id, unit) => {
    test("gives finite scores, the same under its seed, whatever the order of the samples", async () => {
      const first = await scores(unit, all);
      expect(first.every(Number.isFinite)).toBe(true);
      expect(await scores(unit, all)).toEqual(first);
      const order = new Random(3).permutation(N);
      const mixed = await scores(unit, order);
      for (const [place, i] of order.entries())
        expect(mixed[place]).toBeCloseTo(first[i]!, 4);
    });

    test("scores members higher", async () => {
      const found = await scores(unit, all);
      const side = (member: boolean) =>
        all.filter((i) => isMember[i] === member).map((i) => found[i]!);
      expect(roc(side(false), side(true))?.auc.low).toBeGreaterThan(0.5);
    });
  },
);
