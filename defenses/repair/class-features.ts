import type { Dataset } from "#data";
import { evaluate, flat, penultimate } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import type { FilterInput } from "./repair.ts";

/** What the head of a candidate reads, [N, width], of all that it was tuned on. */
export async function featuresOf({
  model,
  engine,
  train,
}: Pick<
  FilterInput<unknown>,
  "model" | "engine" | "train"
>): Promise<FloatTensor> {
  const [features] = await evaluate(model, engine, train.x, (b) => [
    flat(b, penultimate(model)),
  ]);
  return features as FloatTensor;
}

/** The samples of each class that has some, by their labels: rows and features. */
export const byClass = (
  features: FloatTensor,
  { y, classes }: Dataset,
): { rows: number[]; features: FloatTensor }[] =>
  classes.flatMap((_, label) => {
    const rows = [...y.keys()].filter((row) => y[row] === label);
    return rows.length === 0
      ? []
      : [{ rows, features: takeRows(features, rows) }];
  });

/** What is left of a set without some of its rows. */
export const without = ({ y }: Dataset, gone: ReadonlySet<number>) => {
  const rows = [...y.keys()].filter((row) => !gone.has(row));
  return { rows, y: Int32Array.from(rows, (row) => y[row]!) };
};
