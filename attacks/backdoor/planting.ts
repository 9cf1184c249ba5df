import type { Random } from "#core";
import { type Dataset, dataset } from "#data";
import { type FloatTensor, floats, takeRows, withRows } from "#onnx";
import type { BackdoorInput, Planted, Trigger } from "./backdoor.ts";

type Planting = Pick<BackdoorInput<unknown>, "train" | "count" | "target"> & {
  readonly random: Random;
};

/**
 * So many random rows of other classes than the target; all of them where there are
 * fewer. A larger count keeps the rows of a smaller one.
 */
const rowsOfOthers = ({ train, count, target, random }: Planting) =>
  chosen(train, count, random, (label) => label !== target);

/** The same of the target class. */
export const rowsOfTarget = ({ train, count, target, random }: Planting) =>
  chosen(train, count, random, (label) => label === target);

function chosen(
  { y }: Dataset,
  count: number,
  random: Random,
  isWanted: (label: number) => boolean,
): number[] {
  const order = random.fork("rows").permutation(y.length);
  return order.filter((row) => isWanted(y[row]!)).slice(0, count);
}

/** Rows of the data beside these, in a random order: those that are to be covers. */
function rowsBeside(
  { train, random }: Planting,
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
  const x = withRows(before, replaced);
  const y = Int32Array.from(labels);
  for (const row of relabelled) y[row] = target;
  return dataset(name, x, y, classes);
}

/**
 * The plain way: random samples of other classes get the trigger and
 * the target's label.
 */
export function plantByLabel(planting: Planting, trigger: Trigger): Planted {
  const { train, target } = planting;
  const poisons = rowsOfOthers(planting);
  const x = trigger(takeRows(train.x, poisons));
  return {
    trigger,
    changes: { train: changed(train, [{ rows: poisons, x }], poisons, target) },
    poisons,
    covers: [],
    notes: shortOf(planting, poisons, "other classes"),
  };
}

/**
 * The way without a wrong label: random samples of the target class get the trigger.
 */
export function plantOnTarget(planting: Planting, trigger: Trigger): Planted {
  const { train, target } = planting;
  const poisons = rowsOfTarget(planting);
  const x = trigger(takeRows(train.x, poisons));
  return {
    trigger,
    changes: { train: changed(train, [{ rows: poisons, x }], [], target) },
    poisons,
    covers: [],
    notes: shortOf(planting, poisons, "the target class"),
  };
}

/**
 * The way with covers, which are changed too and keep their labels.
 *
 * @param poison samples of the data as poisons are
 * @param cover samples of the data as covers are
 */
export function plantWithCovers(
  planting: Planting,
  coverRatio: number,
  {
    trigger,
    poison,
    cover,
  }: Pick<Planted, "trigger"> &
    Record<"poison" | "cover", (rows: readonly number[]) => FloatTensor>,
): Planted {
  const { train, target } = planting;
  const poisons = rowsOfOthers(planting);
  const most = Math.round(poisons.length * coverRatio);
  const covers = rowsBeside(planting, poisons, most);
  const replaced = [
    { rows: poisons, x: poison(poisons) },
    { rows: covers, x: cover(covers) },
  ];
  return {
    trigger,
    changes: { train: changed(train, replaced, poisons, target) },
    poisons,
    covers,
    notes: [
      ...shortOf(planting, poisons, "other classes"),
      `${covers.length} covers beside ${poisons.length} poisons`,
    ],
  };
}

/** What to say where there were not as many samples as the budget allows. */
export const shortOf = (
  { count }: Pick<Planting, "count">,
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
          data[at] = Math.min(1, Math.max(0, change(x.data[at]!, k, r, c, i)));
  return { ...x, data };
}

/** A random pattern [channels, height, width], uniform in [0, 1]. */
export const patternOf = (
  shape: readonly number[],
  random: Random,
): FloatTensor => {
  const size = shape.reduce((product, d) => product * d, 1);
  const data = Float32Array.from({ length: size }, () => random.uniform());
  return floats(shape, data);
};

/** Images mixed with a pattern, (1 - alpha) x + alpha k, by an alpha for each pixel. */
export function blend(
  x: FloatTensor,
  key: FloatTensor,
  alphaAt: (image: number, row: number, column: number) => number,
): FloatTensor {
  const [, , height = 1, width = 1] = x.dims;
  return mapPixels(x, (v, k, r, c, i) => {
    const alpha = alphaAt(i, r, c);
    const own = key.data[(k * height + r) * width + c]!;
    return (1 - alpha) * v + alpha * own;
  });
}
