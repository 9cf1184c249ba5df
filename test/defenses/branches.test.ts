import { expect, test } from "vitest";
import { Random } from "#core";
import { trainingDefenses } from "#defenses";
import type { Model } from "#model";
import { floats } from "#onnx";
import type { Batch, TrainingDefense, TrainingPart } from "#tuning";
import { context, momentOf, normalised, untrained } from "../reference.ts";
import { differencesPart } from "../tuning/differences.ts";
import { smooth } from "../tuning/smooth.ts";
import { stepOn } from "./step.ts";

const random = new Random(1);
const batch: Batch = {
  x: floats(
    [4, 1, 8, 8],
    Array.from({ length: 256 }, () => random.uniform()),
  ),
  y: Int32Array.of(0, 1, 2, 0),
};

const opened = (id: string, model: Model, params = {}): TrainingPart => {
  const unit = trainingDefenses.find((d) => d.id === id) as TrainingDefense;
  return unit.open(unit.params.parse(params), context(model));
};

const search = { eps: 0.1, steps: 2 };
const isHead = (name: string) => name.startsWith("head");
const isBranch = (name: string) => name.includes("branch_");

test("AutoLoRa begins with clean samples, from which only the branch and the head learn", async () => {
  const model = untrained();
  const part = opened("autolora", model, search);
  const { loss, gradients, records } = await stepOn(model, [part], batch);
  const plain = await stepOn(model, [], batch);
  // The branch adds nothing yet, and no sample was seen.
  expect(loss).toBeCloseTo(plain.loss, 5);
  expect(records.divergence).toBeGreaterThan(0);
  for (const [name, gradient] of gradients) {
    const own = plain.gradients.get(name);
    if (isHead(name))
      gradient.forEach((g, i) => {
        expect(g).toBeCloseTo(own?.[i] as number, 5);
      });
    else if (isBranch(name)) continue;
    else expect(gradient.every((g) => g === 0)).toBe(true);
  }
  const moved = [...gradients].filter(
    ([name, g]) => isBranch(name) && g.some((v) => v !== 0),
  );
  expect(moved.length).toBeGreaterThan(0);
});

test("AutoLoRa's weights learn from adversarial samples, as far as the branch is right", async () => {
  const model = untrained();
  const part = opened("autolora", model, { ...search, scale: 0 });
  const adversarial = await stepOn(model, [part], batch);
  // The step before told how often the branch was right; say a quarter.
  const told = { ...adversarial, records: { "natural accuracy": 0.25 } };
  const fresh = opened("autolora", model, { ...search, scale: 0 });
  await fresh.gradient?.(batch, async () => told, new Map());
  const mixed = await stepOn(model, [fresh], batch);
  expect(mixed.ready.feeds?.["AutoLoRa natural weight"]).toBe(0.75);
  const { x } = mixed.ready;
  const plain = await stepOn(model, [], { ...batch, x });
  const clean = await stepOn(model, [], batch);
  expect(mixed.loss).toBeCloseTo(0.75 * clean.loss + 0.25 * plain.loss, 5);
  for (const [name, own] of plain.gradients)
    if (!isHead(name))
      mixed.gradients.get(name)?.forEach((g, i) => {
        expect(g).toBeCloseTo(0.25 * own[i]!, 5);
      });
});

// Of many channels the branch is layers beside those of the model, of few it is in
// their weights.
test.each([
  [3, 2],
  [16, 1],
])(
  "the gradient of AutoLoRa's branch and head agrees with differences (%i channels)",
  async (channels, rank) => {
    const model = smooth("AveragePool", channels);
    const part = opened("autolora", model, { ...search, rank });
    await part.gradient?.(
      batch,
      async () => ({
        loss: 0,
        gradients: new Map(),
        records: { "natural accuracy": 0.5 },
        statistics: new Map(),
      }),
      new Map(),
    );
    const only = (name: string) => isHead(name) || isBranch(name);
    await stepOn(
      model,
      [part, differencesPart(new Random(2), { only, h: 3e-3 })],
      batch,
    );
  },
);

test("AutoLoRa counts the batches of one epoch", async () => {
  const model = untrained();
  const part = opened("autolora", model, search);
  const { moment, compiled } = await momentOf(model, 4);
  const tell = (accuracy: number) =>
    part.gradient?.(
      batch,
      async () => ({
        loss: 0,
        gradients: new Map(),
        records: { "natural accuracy": accuracy },
        statistics: new Map(),
      }),
      new Map(),
    );
  // Of the seven steps five are an epoch.
  for (const accuracy of [0, 0, 1, 1, 1, 0.5, 0.5]) await tell(accuracy);
  const ready = await part.prepare?.(batch, moment);
  await compiled.release();
  const { feeds } = ready as Batch;
  expect(feeds?.["AutoLoRa natural weight"]).toBeCloseTo(0.2, 6);
  expect(feeds?.["AutoLoRa divergence weight"]).toBeCloseTo(6 * 0.8, 6);
});

test("TWINS adds the loss by the statistics of the base to that by those of the batch", async () => {
  const model = normalised(untrained());
  const part = opened("twins", model, search);
  const made = await stepOn(model, [part], batch, {}, { batchNorm: "batch" });
  const { x } = made.ready;
  const adaptive = await stepOn(
    model,
    [],
    { ...batch, x },
    {},
    { batchNorm: "batch" },
  );
  const frozen = await stepOn(
    model,
    [],
    { ...batch, x },
    {},
    { batchNorm: "frozen" },
  );
  expect(made.records["frozen loss"]).toBeCloseTo(frozen.loss, 5);
  expect(adaptive.loss).not.toBeCloseTo(frozen.loss, 2);
  expect(made.loss).toBeCloseTo(adaptive.loss + 0.3 * frozen.loss, 5);
  for (const [name, own] of adaptive.gradients) {
    const other = frozen.gradients.get(name) as Float32Array;
    made.gradients.get(name)?.forEach((g, i) => {
      expect(g).toBeCloseTo(own[i]! + 0.3 * other[i]!, 4);
    });
  }
  // The running statistics follow the batch alone.
  for (const [name, next] of made.statistics)
    expect([...next]).toEqual([...(adaptive.statistics.get(name) ?? [])]);
});

test("TWINS is refused where there would be one normalisation, or none", async () => {
  expect(() => opened("twins", untrained())).toThrow(/batch normalisation/);
  const model = normalised(untrained());
  await expect(
    stepOn(model, [opened("twins", model, search)], batch),
  ).rejects.toThrow(/batchNorm is frozen/);
});
