import { copyOf, type FloatTensor, sizeOf } from "#onnx";
import { rowOf } from "./vectors.ts";

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
 * @param at the iterations that were made, and the loss when it was last looked at, which is replaced
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

/** The share of the work that searches of so many rounds and iterations have done; those that are not open are done. */
export function searchedShare(
  searches: readonly { readonly round: number; readonly iteration: number }[],
  open: readonly number[],
  rounds: number,
  iterations: number,
): number {
  let left = 0;
  for (const i of open) {
    const { round = 0, iteration = 0 } = searches[i] ?? {};
    left += 1 - (round + iteration / iterations) / rounds;
  }
  return 1 - left / Math.max(1, searches.length);
}

/**
 * The best example of each sample by a measure of the attack's own, where that
 * is not the distance by which the target keeps them.
 */
export interface Keeper {
  /** Keeps the row where its measure is less than that of the one that is kept. */
  offer(sample: number, row: Float32Array, measure: number): void;
  /** These examples, with those that were kept in the place of the target's. */
  over(examples: FloatTensor): FloatTensor;
}

/** An empty keeper of samples like these. */
export function keeperOf(like: FloatTensor): Keeper {
  const kept = copyOf(like);
  const width = sizeOf(like.dims.slice(1));
  const least = new Float64Array(like.dims[0] ?? 0).fill(Infinity);
  return {
    offer(sample, row, measure) {
      if (!(measure < least[sample]!)) return;
      least[sample] = measure;
      kept.data.set(row, sample * width);
    },
    over(examples) {
      const chosen = copyOf(examples);
      least.forEach((measure, i) => {
        if (measure < Infinity) chosen.data.set(rowOf(kept, i), i * width);
      });
      return chosen;
    },
  };
}
