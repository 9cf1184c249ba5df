import { nearest, UsageError } from "#core";
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

/**
 * The number of a class that a suite names.
 *
 * @throws DATA_CLASS_UNKNOWN
 */
export function classNamed(name: string, classes: readonly string[]): number {
  const index = classes.indexOf(name);
  if (index >= 0) return index;
  const meant = nearest(name, classes);
  throw new UsageError(
    "DATA_CLASS_UNKNOWN",
    `a poisoning names the class "${name}", which the candidates do not have`,
    `${meant === undefined ? "" : `Did you mean "${meant}"? `}Their classes are: ${classes.join(", ")}.`,
  );
}
