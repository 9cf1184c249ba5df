import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import { type Dataset, takeSamples } from "#data";
import { trainingDefenses } from "#defenses";
import type { Model } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import { augmentations, type Batch, type TrainingPart } from "#tuning";
import {
  context,
  momentOf,
  normalised,
  reference,
  smallDigits,
} from "../reference.ts";

// A private training counts on it: what a part makes of a sample does not depend on
// which others are drawn with it.

let model: Model;
let train: Dataset;

beforeAll(async () => {
  model = normalised(await reference());
  const parts = await smallDigits();
  train = takeSamples(parts.train, [0, 1, 2, 3, 4, 5]);
});

/** What a part makes of some of the samples, each with a generator of its own. */
async function prepared(
  part: TrainingPart,
  rows: readonly number[],
  seed: number,
) {
  const { moment, compiled } = await momentOf(model, rows.length);
  const y = Int32Array.from(rows, (row) => train.y[row]!);
  const targets: FloatTensor = {
    type: "float32",
    dims: [rows.length, 5],
    data: new Float32Array(5 * rows.length),
  };
  y.forEach((label, i) => {
    targets.data[5 * i + label] = 1;
  });
  const batch: Batch = { x: takeRows(train.x, rows), y, targets };
  const random = rows.map((row) => new Random(row));
  const batchRandom = new Random(seed);
  const now = { ...moment, random, batchRandom };
  const found = await part.prepare?.(batch, now);
  await compiled.release();
  return found ?? batch;
}

/** All that a batch holds for each sample. */
const tensorsOf = ({ x, targets, views, feeds }: Batch): FloatTensor[] =>
  [x, targets, ...Object.values({ ...views, ...feeds })].filter(
    (t): t is FloatTensor => typeof t === "object",
  );

/** The largest change of what is made of five samples when a sixth is not drawn. */
async function dependence(open: () => TrainingPart): Promise<number> {
  const most: number[] = [];
  for (const left of [0, 2, 3]) {
    const others = [0, 1, 2, 3, 4, 5].filter((row) => row !== left);
    const rows = [0, 1, 2, 3, 4, 5];
    const all = tensorsOf(await prepared(open(), rows, left));
    const without = tensorsOf(await prepared(open(), others, left));
    for (const [t, tensor] of without.entries()) {
      const same = takeRows(all[t]!, others) as FloatTensor;
      tensor.data.forEach((v, i) => {
        most.push(Math.abs(v - same.data[i]!));
      });
    }
  }
  return most.reduce((a, b) => Math.max(a, b), 0);
}

const alone = trainingDefenses
  .map((unit) => ({ id: unit.id, unit, params: unit.params.parse({}) }))
  .filter(({ unit, params }) => unit.isAlone(params));

test.each(alone)(
  "training defence $id makes the same of a sample whatever else is drawn",
  async ({ unit, params }) => {
    const open = () => unit.open(params, context(model));
    expect(await dependence(open)).toBeLessThan(1e-4);
    const { draw, repeats, check, gradient } = open();
    expect([draw, repeats, check, gradient]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  },
);

describe.each(augmentations.map((a) => [a.id, a] as const))(
  "augmentation %s",
  (_id, unit) => {
    test("says whether it makes the same of a sample whatever else is drawn", async () => {
      const open = () => unit.open(unit.params.parse({}), context(model));
      const found = await dependence(open);
      if (unit.isAlone) expect(found).toBeLessThan(1e-6);
      else expect(found).toBeGreaterThan(0.01);
    });
  },
);

test("a mixed batch of pgd-at is not made of samples alone", async () => {
  const unit = trainingDefenses.find((d) => d.id === "pgd-at")!;
  const params = unit.params.parse({ mix: 0.5, steps: 2, relStepSize: 1 });
  expect(unit.isAlone(params)).toBe(false);
  const open = () => unit.open(params, context(model));
  expect(await dependence(open)).toBeGreaterThan(0.01);
});
