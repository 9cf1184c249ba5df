import type { Dataset } from "#data";
import { takeRows } from "#onnx";
import type { Poison } from "./poisoning.ts";

/** What all flips of labels are. */
export const flipTaxonomy = {
  atlas: ["AML.T0020", "AML.T0059"],
  owasp: ["ML02:2023", "ML08:2023"],
  nist: ["NISTAML.013"],
};

/** Samples as they were, with other labels. */
export const relabelled = (
  train: Dataset,
  rows: readonly number[],
  labelOf: (row: number) => number,
): Poison => ({
  rows,
  x: takeRows(train.x, rows),
  y: Int32Array.from(rows, labelOf),
});

/** The rows of a class, in order. */
export const rowsOf = ({ y }: Dataset, label: number): number[] =>
  [...y.keys()].filter((row) => y[row] === label);
