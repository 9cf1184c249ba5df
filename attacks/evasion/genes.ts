import type { Random } from "#core";
import {
  type Feature,
  recompute,
  restore,
  scaled,
  type Table,
  unscaled,
} from "#tables";
import type { Ball } from "../ball.ts";

/**
 * What may change in a row: one number, a whole number in its own unit, or which
 * value a category has.
 */
interface Gene {
  readonly kind: "number" | "integer" | "category";
  readonly at: number;
  readonly width: number;
  readonly low: number;
  readonly high: number;
}

/** The distribution index of the mutation. */
const ETA = 20;
/** The share of pairs that exchange genes. */
const CROSSED = 0.9;

/** The genes of one row, and how they become a row again. */
export class Genome {
  readonly #genes: readonly Gene[];
  /** Places of the genes of each kind, which cross and mutate by themselves. */
  readonly #kinds: readonly (readonly number[])[];
  readonly #clean: Float32Array;
  readonly #table: Table | undefined;

  constructor(clean: Float32Array, { table, bounds }: Ball) {
    this.#clean = clean;
    this.#table = table;
    this.#genes = table
      ? genesOf(table, clean)
      : Array.from(clean, (_, at) => ({
          kind: "number",
          at,
          width: 1,
          low: bounds[0],
          high: bounds[1],
        }));
    this.#kinds = (["number", "integer", "category"] as const)
      .map((kind) =>
        [...this.#genes.keys()].filter((i) => this.#genes[i]?.kind === kind),
      )
      .filter((places) => places.length > 0);
  }

  /** The genes of the clean row. */
  origin(): Float64Array {
    const raw = this.#table ? unscaled(this.#table, this.#clean) : this.#clean;
    return Float64Array.from(this.#genes, ({ kind, at, width }) =>
      kind === "number"
        ? this.#clean[at]!
        : kind === "integer"
          ? raw[at]!
          : this.#clean.subarray(at, at + width).indexOf(1),
    );
  }

  /** The row of some genes, with columns that others define computed. */
  express(genes: Float64Array): Float32Array {
    const row = Float32Array.from(this.#clean);
    for (const [i, { kind, at, width }] of this.#genes.entries()) {
      const value = genes[i]!;
      if (kind === "number") row[at] = value;
      else if (kind === "integer")
        row[at] = scaled(this.#table?.features[at] as Feature, value);
      else {
        row.fill(0, at, at + width);
        row[at + value] = 1;
      }
    }
    if (this.#table) {
      restore(this.#table, this.#clean, row);
      recompute(this.#table, row);
    }
    return row;
  }

  /**
   * Two children: the genes of each kind between two places exchanged, then mutated.
   */
  children(
    a: Float64Array,
    b: Float64Array,
    random: Random,
  ): [Float64Array, Float64Array] {
    const pair: [Float64Array, Float64Array] = [a.slice(), b.slice()];
    for (const places of this.#kinds) {
      if (random.uniform() >= CROSSED) continue;
      const cuts = random
        .permutation(places.length - 1)
        .slice(0, 2)
        .map((cut) => cut + 1)
        .sort((p, q) => p - q);
      const [from = places.length, to = places.length] = cuts;
      for (const place of places.slice(from, to)) {
        pair[0][place] = b[place]!;
        pair[1][place] = a[place]!;
      }
    }
    for (const child of pair) this.#mutate(child, random);
    return pair;
  }

  /** Polynomial mutation (Deb and Agrawal 1999); one gene of each kind on average. */
  #mutate(genes: Float64Array, random: Random): void {
    for (const places of this.#kinds)
      for (const place of places) {
        if (random.uniform() >= 1 / places.length) continue;
        const { kind, low, high } = this.#genes[place]!;
        // Whole numbers are drawn as wide as all that rounds to them.
        const wide = kind === "number" ? 0 : 0.5;
        const value = polynomial(
          genes[place]!,
          low - wide,
          high + wide,
          random.uniform(),
        );
        const whole = kind === "number" ? value : Math.round(value);
        genes[place] = Math.min(high, Math.max(low, whole));
      }
  }
}

function genesOf(table: Table, clean: Float32Array): Gene[] {
  const raw = unscaled(table, clean);
  return table.columns.flatMap(({ kind, at, width, change, range }): Gene[] => {
    if (change === "none") return [];
    if (kind === "category")
      return [{ kind, at, width, low: 0, high: width - 1 }];
    const [least, most] = kind === "integer" ? range : [0, 1];
    const here = (kind === "integer" ? raw[at] : clean[at]) as number;
    const low = change === "up" ? here : least;
    const high =
      change === "down"
        ? here
        : Math.floor(most) < most && kind === "integer"
          ? Math.floor(most)
          : most;
    return low < high ? [{ kind, at, width, low, high }] : [];
  });
}

function polynomial(x: number, low: number, high: number, u: number): number {
  const size = high - low;
  if (size <= 0) return x;
  const power = 1 / (ETA + 1);
  if (u < 0.5) {
    const left = 1 - (x - low) / size;
    return x + ((2 * u + (1 - 2 * u) * left ** (ETA + 1)) ** power - 1) * size;
  }
  const right = 1 - (high - x) / size;
  return (
    x + (1 - (2 * (1 - u) + 2 * (u - 0.5) * right ** (ETA + 1)) ** power) * size
  );
}
