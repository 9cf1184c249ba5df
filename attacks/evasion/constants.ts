import type { AttackInput } from "../attack.ts";

interface ConstantParams {
  /** How many constants are tried. */
  readonly binarySearchSteps: number;
  /** With each. */
  readonly maxIterations: number;
  /** The first one. */
  readonly initialConst: number;
  /**
   * Whether a search ends when a tenth of its iterations gained less than
   * a ten-thousandth.
   */
  readonly abortEarly: boolean;
}

/** Where the search for a constant stands. */
export interface ConstantSearch {
  /** The constant to try. */
  readonly c: number;
  /** The largest that failed. */
  readonly low: number;
  /** The smallest that broke the sample; Infinity before any did. */
  readonly high: number;
}

/** The start of a search. */
export const searchFrom = (c: number): ConstantSearch => ({
  c,
  low: 0,
  high: Number.POSITIVE_INFINITY,
});

/**
 * The next constant (Carlini and Wagner 2017, arXiv:1608.04644): ten times the
 * last until one breaks the sample, then halfway between what failed and what
 * did not.
 *
 * @param broken whether the last constant broke the sample
 */
export function nextConstant(
  { c, low, high }: ConstantSearch,
  broken: boolean,
): ConstantSearch {
  const below = broken ? low : Math.max(low, c);
  const above = broken ? Math.min(high, c) : high;
  return {
    c: above < Infinity ? (below + above) / 2 : c * 10,
    low: below,
    high: above,
  };
}

/**
 * Whether a tenth of the iterations gained less than a ten-thousandth of the
 * loss; looked at once in every tenth.
 *
 * @param at the iterations that were made, and the loss when it was last looked at,
 *   which is replaced
 */
export function isStalled(
  at: { readonly iteration: number; checked: number },
  loss: number,
  iterations: number,
): boolean {
  if ((at.iteration - 1) % Math.ceil(iterations / 10) !== 0) return false;
  const stalled = !(loss <= 0.9999 * at.checked);
  at.checked = loss;
  return stalled;
}

/** One sample's search for its constant. */
export interface Search<S> {
  /** How many constants were tried. */
  readonly round: number;
  readonly constant: ConstantSearch;
  /** How many points were asked about with this one. */
  readonly iteration: number;
  /** Whether it broke the sample. */
  broken: boolean;
  /** What moves from point to point. */
  readonly at: S;
}

/** The searches of all samples. */
export interface Searches<S> {
  of(sample: number): Search<S>;
  /**
   * The samples that the target may be asked about and that have constants left;
   * reports the progress.
   */
  open(questions?: number): number[];
  /**
   * Ends an iteration with its loss, and after the last one, or where it stalls, takes
   * the next constant.
   */
  next(sample: number, loss: number): void;
}

/**
 * Carlini and Wagner's search for the smallest constant that breaks a sample, for
 * each sample by itself: it is given up early by its own loss, not by that of the
 * batch as in the authors' code.
 *
 * @param start what moves, as it stands at the first point of each constant
 */
export function searchConstants<S>(
  {
    target,
    y,
    params,
    onProgress,
  }: Pick<
    AttackInput<ConstantParams>,
    "target" | "y" | "params" | "onProgress"
  >,
  start: (sample: number) => S,
): Searches<S> {
  const { binarySearchSteps, maxIterations, initialConst, abortEarly } = params;
  const begin = (sample: number, round: number, constant: ConstantSearch) => ({
    round,
    constant,
    iteration: 0,
    broken: false,
    checked: Number.POSITIVE_INFINITY,
    at: start(sample),
  });
  const all = Array.from(y.keys(), (i) =>
    begin(i, 0, searchFrom(initialConst)),
  );
  return {
    of: (sample) => all[sample]!,
    open(questions) {
      const open = target
        .open(questions)
        .filter((i) => all[i]!.round < binarySearchSteps);
      const left = open.reduce((sum, i) => {
        const { round, iteration } = all[i]!;
        const done = (round + iteration / maxIterations) / binarySearchSteps;
        return sum + (1 - done);
      }, 0);
      onProgress(1 - left / Math.max(1, all.length));
      return open;
    },
    next(sample, loss) {
      const search = all[sample]!;
      search.iteration++;
      if (
        search.iteration === maxIterations ||
        (abortEarly && isStalled(search, loss, maxIterations))
      ) {
        const constant = nextConstant(search.constant, search.broken);
        all[sample] = begin(sample, search.round + 1, constant);
      }
    },
  };
}
