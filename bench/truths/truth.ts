import { studentQuantile } from "#audit";

/** Two numbers of one seed that a truth compares: shares, such as accuracies. */
export interface Pair {
  /**
   * What is compared with what, of which number. Of several of one name
   * the worst is told.
   */
  readonly what: string;
  readonly first: number;
  readonly second: number;
  /**
   * The least difference that the truth allows; 0 where the first has to be
   * above the second.
   */
  readonly least: number;
}

/**
 * Something that the literature says of a direction, measured anew for each seed: data,
 * weights and draws.
 */
export interface Truth {
  readonly id: string;
  measure(seed: number): Promise<Pair[]>;
}

/**
 * The mean difference over seeds, with its 95 % interval by Student's t on
 * the differences.
 */
export interface Difference extends Pair {
  readonly difference: number;
  /** Null where no seed differs from another: Student's t knows nothing then. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  /**
   * Whether the whole interval is above the least difference, or no seed is below it
   * where there is no spread.
   */
  readonly holds: boolean;
}

/**
 * Of several pairs of one name the one with the least difference.
 *
 * @param seeds the pairs of each seed, at least two, in the same order
 */
export function differences(seeds: readonly (readonly Pair[])[]): Difference[] {
  const [one = []] = seeds;
  const least = new Map<string, Difference>();
  for (const [k, pair] of one.entries()) {
    const own = seeds.map((pairs) => pairs[k]!);
    const found = differenceOf(pair, own);
    const before = least.get(pair.what);
    if (!before || found.difference < before.difference)
      least.set(pair.what, found);
  }
  return [...least.values()];
}

function differenceOf(pair: Pair, own: readonly Pair[]): Difference {
  const gaps = own.map(({ first, second }) => first - second);
  const n = gaps.length;
  const difference = mean(gaps);
  const squares = gaps.reduce((sum, v) => sum + (v - difference) ** 2, 0);
  const reach =
    studentQuantile(0.975, n - 1) * Math.sqrt(squares / (n - 1) / n);
  const interval =
    squares > 0 ? { low: difference - reach, high: difference + reach } : null;
  return {
    ...pair,
    first: mean(own.map(({ first }) => first)),
    second: mean(own.map(({ second }) => second)),
    difference,
    interval,
    holds: interval ? interval.low > pair.least : difference >= pair.least,
  };
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, v) => sum + v, 0) / values.length;
