import type { Random } from "#core";
import type { Dataset } from "#data";
import { type FloatTensor, takeRows } from "#onnx";
import type { Batch, Moment, TrainingPart } from "./part.ts";

/** The rows of one step. */
export interface Drawn {
  readonly rows: readonly number[];
  /** Passes over the data until then, from 1. */
  readonly pass: number;
}

/**
 * Which rows each step is taken on: a new random order of all in every pass,
 * cut into batches, or what a part draws.
 */
export function drawing(
  size: number,
  batchSize: number,
  parts: readonly TrainingPart[],
  random: Random,
): (step: number) => Drawn {
  const repeats = Math.max(1, ...parts.map((p) => p.repeats ?? 1));
  const drawer = parts.find((p) => p.draw);
  const perPass = Math.ceil(size / batchSize);
  let order: { pass: number; rows: readonly number[] } = { pass: 0, rows: [] };
  return (step) => {
    const batch = Math.floor(step / repeats);
    const pass = 1 + Math.floor(batch / perPass);
    if (drawer?.draw) {
      const own = random.fork(`batch ${batch}`);
      return { pass, rows: drawer.draw(size, batchSize, own) };
    }
    if (order.pass !== pass)
      order = { pass, rows: random.fork(`order ${pass}`).permutation(size) };
    const from = (batch % perPass) * batchSize;
    return { pass, rows: order.rows.slice(from, from + batchSize) };
  };
}

/**
 * Some rows of a dataset; where the criterion takes floats with its targets, or
 * one-hot classes.
 *
 * @param x what stands for the samples; the rows of the dataset when left out
 */
export function batchOf(
  { x: all, y, classes, targets }: Dataset,
  rows: readonly number[],
  floats: boolean,
  x = takeRows(all, rows),
): Batch {
  const labels = Int32Array.from(rows, (i) => y[i]!);
  return {
    x,
    y: labels,
    targets: !floats
      ? undefined
      : targets
        ? takeRows(targets, rows)
        : oneHot(labels, classes.length),
  };
}

function oneHot(y: Int32Array, classes: number): FloatTensor {
  const data = new Float32Array(y.length * classes);
  y.forEach((label, i) => {
    data[i * classes + label] = 1;
  });
  return { type: "float32", dims: [y.length, classes], data };
}

/** A batch after all parts have changed it. */
export async function prepared(
  parts: readonly TrainingPart[],
  batch: Batch,
  moment: Moment,
): Promise<Batch> {
  let now = batch;
  for (const part of parts) now = (await part.prepare?.(now, moment)) ?? now;
  return now;
}

/** Indices up to a number, in even parts of at most so many. */
export function evenParts(count: number, most: number): number[][] {
  const size = Math.ceil(count / Math.max(1, Math.ceil(count / most)));
  return Array.from({ length: Math.ceil(count / Math.max(1, size)) }, (_, k) =>
    Array.from(
      { length: Math.min(size, count - k * size) },
      (_, i) => k * size + i,
    ),
  );
}
