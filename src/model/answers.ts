import { softmax } from "#core";
import type { Engine } from "#engine";
import { type FloatTensor, floats } from "#onnx";
import { compile } from "./compiled.ts";
import type { Model } from "./model.ts";
import { meaningOf } from "./tasks/index.ts";

/**
 * The class that attacks see in each row of outputs: where the task has targets, 0 if
 * the row is right (see `Meaning`).
 */
export const classesSeen = (
  model: Model,
  outputs: FloatTensor,
  targets?: FloatTensor,
): Int32Array => argmaxRows(meaningOf(model).view(outputs, targets));

/**
 * The class with the largest logit of each row. NaN never wins. A row of
 * NaN is class -1.
 */
export function argmaxRows(logits: FloatTensor): Int32Array {
  const [n = 0, classes = 0] = logits.dims;
  return Int32Array.from({ length: n }, (_, i) => {
    let best = -1;
    for (let k = 0; k < classes; k++) {
      const value = logits.data[i * classes + k]!;
      const top =
        best < 0 ? Number.NEGATIVE_INFINITY : logits.data[i * classes + best]!;
      if (value > top) best = k;
    }
    return best;
  });
}

/** What outputs say as targets, a row each, where the task has targets. */
export function saidBy(
  model: Model,
  { data, dims }: FloatTensor,
): FloatTensor | undefined {
  const [n = 0, width = 0] = dims;
  const { said } = meaningOf(model);
  const rows = Array.from({ length: n }, (_, i) =>
    said(data.subarray(i * width, (i + 1) * width)),
  );
  const [first] = rows;
  if (!first) return undefined;
  const all = new Float32Array(n * first.length);
  rows.forEach((row, i) => {
    all.set(row ?? [], i * first.length);
  });
  return floats([n, first.length], all);
}

/** Probabilities of the classes from logits [N, classes], a row each. */
export function softmaxRows({ data, dims }: FloatTensor): number[][] {
  const [n = 0, classes = 0] = dims;
  return Array.from({ length: n }, (_, i) =>
    softmax(data.subarray(i * classes, (i + 1) * classes)),
  );
}

/** What a model gives for inputs, [N, outputs], for who asks it once. */
export async function logitsOf(
  model: Model,
  x: FloatTensor,
  engine: Engine,
): Promise<FloatTensor> {
  const compiled = await compile(model, engine);
  try {
    return await compiled.logits(x);
  } finally {
    await compiled.release();
  }
}

/** The share of samples that a model is right on. */
export async function accuracyOf(
  model: Model,
  {
    x,
    y,
    targets,
  }: {
    readonly x: FloatTensor;
    readonly y: Int32Array;
    readonly targets?: FloatTensor;
  },
  engine: Engine,
): Promise<number> {
  const seen = classesSeen(model, await logitsOf(model, x, engine), targets);
  return seen.filter((k, i) => k === y[i]).length / y.length;
}
