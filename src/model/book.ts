import { AssayError } from "#core";
import {
  copyOfSamples,
  countOf,
  putSamples,
  type Samples,
  sampleAt,
} from "./samples.ts";
import { outside, roundingOf, type Terms } from "./terms.ts";

type Query = "forward" | "gradient";

/**
 * What is kept of each sample while it is attacked: what was spent on it, and
 * what came of it.
 */
export interface Book<X extends Samples> {
  /** Samples that were evaluated, by kind. */
  readonly queries: Readonly<Record<Query, number>>;
  /**
   * The query by which each sample was broken first, counted from 1; 0 where it stands.
   */
  readonly brokenAt: Int32Array;
  /**
   * Distance of the nearest misclassified example of each sample, Infinity
   * where there is none.
   */
  readonly distances: Float64Array;
  /**
   * The losses that the attack saw of each sample, since it last changed what
   * it differentiates.
   */
  readonly losses: readonly (readonly number[])[];
  /** The samples that still stand and can afford so many more queries, ascending. */
  open(queries: number): number[];
  affords(sample: number, queries: number): boolean;
  /**
   * Spends a query on the sample of each row.
   *
   * @throws QUERY_BUDGET where a sample has none left
   */
  spend(kind: Query, samples: readonly number[]): void;
  /** Looks at rows of examples, and keeps those that broke a sample. */
  judge(rows: X, samples: readonly number[], predicted: Int32Array): void;
  /** Notes losses of a kind. */
  trace(kind: string, samples: readonly number[], losses: Float32Array): void;
  /**
   * The nearest example of each sample that was misclassified within the
   * limit; see `Target`.
   */
  examples(): X;
}

/**
 * An empty book.
 *
 * @param isRandom whether the model draws at random, so that one answer says little
 */
export function openBook<X extends Samples>(
  { x, y, limit, queries: budget = Infinity }: Terms<X>,
  isRandom: boolean,
): Book<X> {
  const n = countOf(x);
  const queries = { forward: 0, gradient: 0 };
  const spent = new Int32Array(n);
  const brokenAt = new Int32Array(n);
  const distances = new Float64Array(n).fill(Infinity);
  const best = copyOfSamples(x);
  const losses = Array.from({ length: n }, (): number[] => []);
  let traced: string | undefined;
  const reach = limit.eps + roundingOf(limit);
  // One unlucky draw is not much of an example: what comes later was climbed further.
  const keepsLast = isRandom && !limit.nearest;

  /** How far an example is from its sample; Infinity for one that does not count. */
  const distanceOf = (row: X, sample: number): number => {
    if (outside(row, limit) >= 0) return Infinity;
    const centre = sampleAt(x, sample);
    const [d = Infinity] = Array.from(limit.distance(centre, row));
    if (!(d <= reach)) return Infinity;
    return limit.allows?.(centre, row) === false ? Infinity : d;
  };
  const affords = (sample: number, count: number) =>
    spent[sample]! + count <= budget;
  return {
    queries,
    brokenAt,
    distances,
    losses,
    open: (count) =>
      Array.from(spent.keys()).filter(
        (i) =>
          (limit.nearest || keepsLast || distances[i] === Infinity) &&
          affords(i, count),
      ),
    affords,
    spend(kind, samples) {
      queries[kind] += samples.length;
      for (const sample of samples) {
        spent[sample]!++;
        if (spent[sample]! > budget)
          throw new AssayError(
            "QUERY_BUDGET",
            `the attack asked more than the ${budget} queries of a sample that it has`,
            "Ask `target.open(queries)` which samples can afford the next step.",
          );
      }
    },
    judge(rows, samples, predicted) {
      samples.forEach((sample, place) => {
        const before = distances[sample]!;
        const wrong = y !== undefined && predicted[place] !== y[sample];
        if (!wrong && before < Infinity) return;
        const row = sampleAt(rows, place);
        if (!wrong) {
          // The last of one that stands is measured only when it is asked for.
          putSamples(best, [sample], row);
          return;
        }
        const distance = distanceOf(row, sample);
        if (distance >= (keepsLast ? Infinity : before)) return;
        putSamples(best, [sample], row);
        distances[sample] = distance;
        if (brokenAt[sample] === 0) brokenAt[sample] = spent[sample]!;
      });
    },
    trace(kind, samples, values) {
      if (kind !== traced) for (const all of losses) all.length = 0;
      traced = kind;
      samples.forEach((sample, i) => {
        losses[sample]?.push(values[i]!);
      });
    },
    examples() {
      const found = copyOfSamples(best);
      for (let i = 0; i < n; i++)
        if (
          distances[i] === Infinity &&
          distanceOf(sampleAt(best, i), i) === Infinity
        )
          putSamples(found, [i], sampleAt(x, i));
      return found;
    },
  };
}
