import type { Random } from "#core";
import type { Dataset } from "#data";
import { type FloatTensor, floats, sizeOf, takeRows } from "#onnx";
import { rowsOf } from "./flips.ts";

/** What all poisons are that keep their labels. */
export const cleanLabelTaxonomy = {
  atlas: ["AML.T0020", "AML.T0019"],
  owasp: ["ML02:2023", "ML08:2023"],
  nist: ["NISTAML.012", "NISTAML.024"],
};

/**
 * The samples that are made into poisons: random ones of the class that the
 * target should get.
 */
export function basesOf(
  train: Dataset,
  label: number,
  count: number,
  random: Random,
): { rows: number[]; x: FloatTensor; y: Int32Array } {
  const own = rowsOf(train, label);
  const rows = random
    .permutation(own.length)
    .slice(0, count)
    .map((i) => own[i]!);
  return {
    rows,
    x: takeRows(train.x, rows),
    y: Int32Array.from(rows, () => label),
  };
}

/** Puts every number back to within eps of where it began, and into bounds. */
export function keepWithin(
  x: Float32Array,
  start: Float32Array,
  eps: number,
  [low, high]: readonly [number, number],
): void {
  for (let k = 0; k < x.length; k++) {
    const from = start[k]!;
    x[k] = Math.min(high, from + eps, Math.max(low, from - eps, x[k]!));
  }
}

/**
 * The squared length of each row of a difference, and the difference of
 * each row from one.
 */
export function fromOne(
  rows: FloatTensor,
  one: Float32Array,
): { difference: FloatTensor; squares: number[] } {
  const width = sizeOf(rows.dims.slice(1));
  const difference = floats(
    rows.dims,
    rows.data.map((v, i) => v - one[i % width]!),
  );
  const squares = Array.from({ length: rows.dims[0] ?? 0 }, (_, i) =>
    difference.data
      .subarray(i * width, (i + 1) * width)
      .reduce((sum, v) => sum + v * v, 0),
  );
  return { difference, squares };
}
