import type { Random } from "#core";
import { type Dataset, dataset } from "#data";
import { copyOf, type FloatTensor, putRows, takeRows } from "#onnx";
import type { BackdoorInput, Planted, Trigger } from "./backdoor.ts";

type Scene = Pick<BackdoorInput<unknown>, "train" | "count" | "target"> & {
  readonly random: Random;
};

/** So many random rows of other classes than the target; all of them where there are fewer. A larger count keeps the rows of a smaller one. */
export const rowsOfOthers = ({ train, count, target, random }: Scene) =>
  chosen(train, count, random, (label) => label !== target);

/** The same of the target class. */
export const rowsOfTarget = ({ train, count, target, random }: Scene) =>
  chosen(train, count, random, (label) => label === target);

function chosen(
  { y }: Dataset,
  count: number,
  random: Random,
  isWanted: (label: number) => boolean,
): number[] {
  const order = random.fork("rows").permutation(y.length);
  return order.filter((row) => isWanted(y[row] as number)).slice(0, count);
}

/** Rows of the data beside these, in a random order: those that are to be covers. */
export function rowsBeside(
  { train, random }: Scene,
  taken: readonly number[],
  count: number,
): number[] {
  const used = new Set(taken);
  const order = random.fork("covers").permutation(train.y.length);
  return order.filter((row) => !used.has(row)).slice(0, count);
}

/** The data with some samples replaced, and with the target as the label of some. */
export function changed(
  { name, x: before, y: labels, classes }: Dataset,
  replaced: readonly { rows: readonly number[]; x: FloatTensor }[],
  relabelled: readonly number[],
  target: number,
): Dataset {
  const x = copyOf(before);
  for (const { rows, x: samples } of replaced) putRows(x, rows, samples);
  const y = Int32Array.from(labels);
  for (const row of relabelled) y[row] = target;
  return dataset(name, x, y, classes);
}

/** The plain way: random samples of other classes get the trigger and the target's label. */
export function plantByLabel(scene: Scene, trigger: Trigger): Planted {
  const { train, target } = scene;
  const poisons = rowsOfOthers(scene);
  const x = trigger(takeRows(train.x, poisons));
  return {
    trigger,
    changes: { train: changed(train, [{ rows: poisons, x }], poisons, target) },
    poisons,
    covers: [],
    notes: shortOf(scene, poisons, "other classes"),
  };
}

/** What to say where there were not as many samples as the budget allows. */
export const shortOf = (
  { count }: Scene,
  rows: readonly number[],
  where: string,
): string[] =>
  rows.length < count
    ? [`only ${rows.length} of ${count} samples: there are no more of ${where}`]
    : [];

/** Images [N, C, H, W] changed pixel by pixel, clipped to [0, 1]. */
export function mapPixels(
  x: FloatTensor,
  change: (
    value: number,
    channel: number,
    row: number,
    column: number,
    image: number,
  ) => number,
): FloatTensor {
  const [n = 0, channels = 1, height = 1, width = 1] = x.dims;
  const data = new Float32Array(x.data.length);
  let at = 0;
  for (let i = 0; i < n; i++)
    for (let k = 0; k < channels; k++)
      for (let r = 0; r < height; r++)
        for (let c = 0; c < width; c++, at++)
          data[at] = Math.min(
            1,
            Math.max(0, change(x.data[at] as number, k, r, c, i)),
          );
  return { ...x, data };
}
