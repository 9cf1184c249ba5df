import { meanOf } from "#audit";

/** Two numbers of one seed that a truth compares: shares, such as accuracies. */
export interface Pair {
  /** What is compared with what, of which number. */
  readonly what: string;
  readonly first: number;
  readonly second: number;
  /** The least difference that the truth allows; 0 where the first has to be above the second. */
  readonly least: number;
}

/** Something that the literature says of a direction, measured anew for each seed: data, weights and draws. */
export interface Truth {
  readonly id: string;
  measure(seed: number): Promise<Pair[]>;
}

/** The mean difference over seeds, with its 95 % interval by Student's t on the differences. */
export interface Difference extends Pair {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  /** Whether the whole interval is above the least difference, or not below it where there is no spread. */
  readonly holds: boolean;
}

/** @param seeds the pairs of each seed, at least two, in the same order */
export function differences(seeds: readonly (readonly Pair[])[]): Difference[] {
  const [one = []] = seeds;
  return one.map((pair, k) => {
    const own = seeds.map((pairs) => pairs[k]!);
    const gaps = own.map(({ first, second }) => first - second);
    const { mean: difference, low, high } = meanOf(gaps);
    return {
      ...pair,
      first: mean(own.map(({ first }) => first)),
      second: mean(own.map(({ second }) => second)),
      difference,
      low,
      high,
      holds: low > pair.least || (low === high && low >= pair.least),
    };
  });
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, v) => sum + v, 0) / values.length;
