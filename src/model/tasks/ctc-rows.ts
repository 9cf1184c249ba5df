import { logSumExp } from "#core";
import type { FloatTensor } from "#onnx";

/** A row of outputs [classes x steps], class by class, the blank first. */
export interface Steps {
  readonly row: ArrayLike<number>;
  readonly classes: number;
  /** How many of the steps count. */
  readonly counted: number;
  readonly all: number;
}

/**
 * What a row of targets says: how many steps count, 0 for all of them; then the
 * classes, and -1 behind them.
 */
export function stepsOf(
  row: ArrayLike<number>,
  classes: number,
  targets?: Float32Array,
): Steps {
  const all = row.length / classes;
  return { row, classes, all, counted: targets?.[0] || all };
}

/** The classes of a row of targets. */
export const labelIn = (targets: Float32Array): Float32Array =>
  targets.subarray(1).filter((k) => k >= 0);

/** The fewest steps that can say a label: a blank stands between two equal classes. */
export const fewestSteps = (label: ArrayLike<number>): number => {
  let steps = label.length;
  for (let i = 1; i < label.length; i++) if (label[i] === label[i - 1]) steps++;
  return steps;
};

/**
 * The first label that takes more steps than count for it; undefined where every label
 * can be said.
 *
 * @param targets [N, 1 + most]
 * @param all steps of the model's outputs
 */
export function tooShortFor({ data, dims }: FloatTensor, all: number) {
  const [n = 0, width = 0] = dims;
  for (let i = 0; i < n; i++) {
    const row = data.subarray(i * width, (i + 1) * width);
    const label = Array.from(labelIn(row));
    const steps = row[0] || all;
    const needed = fewestSteps(label);
    if (needed > steps || steps > all)
      return { label, needed, steps: Math.min(steps, all) };
  }
  return undefined;
}

/** The logits of a step. */
const at = ({ row, classes, all }: Steps, step: number): number[] =>
  Array.from({ length: classes }, (_, k) => row[k * all + step]!);

/**
 * The class of the largest logit at each step, the first of equal ones, with those that
 * repeat the step before and blanks left out; null where a logit is not a number.
 */
export function decoded(steps: Steps): number[] | null {
  const said: number[] = [];
  let before = 0;
  for (let t = 0; t < steps.counted; t++) {
    const logits = at(steps, t);
    if (logits.some(Number.isNaN)) return null;
    const best = logits.indexOf(Math.max(...logits));
    if (best !== before && best !== 0) said.push(best);
    before = best;
  }
  return said;
}

/** -log of the share of all alignments that say the label, over its classes. */
export function ctcLossOf(steps: Steps, label: ArrayLike<number>): number {
  const scores = lattice(steps, label, logSumExp, (logits) => {
    const all = logSumExp(logits);
    return logits.map((z) => z - all);
  }).at(-1)!;
  return -logSumExp(scores.slice(-2)) / Math.max(1, label.length);
}

/** Puts a tie that another label wins on the side of what is wrong. */
const LOST = 2 ** -126;

/**
 * How far a sample is from being read otherwise, as a logit that is above 0 where it
 * is: the best way through the steps that says anything but the label, less the best
 * that says it, each the sum of its logits.
 */
export function wayOf(steps: Steps, label: ArrayLike<number>): number {
  const said = decoded(steps);
  if (said === null) return Number.NaN;
  const scores = lattice(steps, label, maximum, (logits) => logits);
  const end = scores.at(-1)!;
  const right = maximum(end.slice(-2));
  let wrong = maximum(end.slice(0, -2));
  const places = placesOf(label);
  // What is best from a step on, once the label is left.
  let rest = 0;
  for (let t = steps.counted - 1; t >= 0; t--) {
    const logits = at(steps, t);
    for (const [s, score] of scores[t]!.entries()) {
      const kept = places.slice(s, s + 3);
      const others = logits.filter((_, k) => !kept.includes(k));
      wrong = Math.max(wrong, score + maximum(others) + rest);
    }
    rest += maximum(logits);
  }
  const gap = wrong - right;
  const isRight =
    said.length === label.length && said.every((k, i) => k === label[i]);
  return isRight ? Math.min(gap, 0) : Math.max(gap, LOST);
}

/** -Infinity of nothing. */
const maximum = (values: readonly number[]) => Math.max(...values);

/** The classes of a label with a blank around each. */
const placesOf = (label: ArrayLike<number>): number[] => [
  0,
  ...Array.from(label).flatMap((k) => [k, 0]),
];

/**
 * Scores of being at each place of a label, before the first step and after each: the
 * lattice of `#autodiff` in double precision.
 */
function lattice(
  steps: Steps,
  label: ArrayLike<number>,
  join: (values: number[]) => number,
  scored: (logits: number[]) => number[],
): number[][] {
  const places = placesOf(label);
  const none = Number.NEGATIVE_INFINITY;
  const scores = [places.map((_, s) => (s === 0 ? 0 : none))];
  for (let t = 0; t < steps.counted; t++) {
    const logits = scored(at(steps, t));
    const before = scores[t]!;
    scores.push(
      places.map((k, s) => {
        const mayPass = k > 0 && k !== places[s - 2];
        const ways = [
          before[s]!,
          before[s - 1] ?? none,
          mayPass ? (before[s - 2] ?? none) : none,
        ].filter((v) => v > none);
        return ways.length > 0 ? join(ways) + logits[k]! : none;
      }),
    );
  }
  return scores;
}

/** How many classes have to be changed, added or left out (Levenshtein 1966). */
export function editsBetween(
  one: ArrayLike<number>,
  other: ArrayLike<number>,
): number {
  let row = Array.from({ length: other.length + 1 }, (_, k) => k);
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1];
    for (let k = 0; k < other.length; k++)
      next.push(
        Math.min(
          row[k + 1]! + 1,
          next[k]! + 1,
          row[k]! + Number(one[i] !== other[k]),
        ),
      );
    row = next;
  }
  return row.at(-1)!;
}
