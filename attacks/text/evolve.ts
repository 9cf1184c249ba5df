import type { Random } from "#core";

/** The smallest and the largest value of a gene. */
export type Range = readonly [number, number];

export interface Member {
  readonly genes: Float64Array;
  /** To be raised. */
  loss: number;
}

/** Share of the genes that a child takes from the mutant. */
const RECOMBINATION = 0.7;

const draw = ([low, high]: Range, random: Random) =>
  low + (high - low) * random.uniform();

/**
 * A first population by Latin hypercube sampling: each gene once in each of as many
 * equal parts of its range.
 */
export function firstMembers(
  ranges: readonly Range[],
  size: number,
  random: Random,
): Member[] {
  const columns = ranges.map(([low, high]) =>
    random
      .permutation(size)
      .map((part) => low + ((high - low) * (part + random.uniform())) / size),
  );
  return Array.from({ length: size }, (_, m) => ({
    genes: Float64Array.from(columns, (column) => column[m]!),
    loss: Number.NEGATIVE_INFINITY,
  }));
}

/**
 * A generation of differential evolution (Storn and Price 1997) as SciPy has it
 * by default: the best member moved by the difference of two others, scaled by
 * a factor from 0.5 to 1 that is drawn once a generation, and crossed with each
 * parent. All children of a generation see the same best member. What leaves
 * its range is drawn anew.
 */
export function childrenOf(
  parents: readonly Member[],
  ranges: readonly Range[],
  random: Random,
): Member[] {
  const best = parents.reduce((a, b) => (b.loss > a.loss ? b : a));
  const scale = 0.5 + 0.5 * random.uniform();
  return parents.map((parent, own) => {
    const others = random.permutation(parents.length).filter((m) => m !== own);
    const [a, b] = others.map((m) => parents[m]!.genes) as [
      Float64Array,
      Float64Array,
    ];
    const always = random.below(ranges.length);
    const genes = Float64Array.from(ranges, (range, k) => {
      const crossed = random.uniform() < RECOMBINATION || k === always;
      if (!crossed) return parent.genes[k]!;
      const moved = best.genes[k]! + scale * (a[k]! - b[k]!);
      const [low, high] = range;
      return moved >= low && moved <= high ? moved : draw(range, random);
    });
    return { genes, loss: Number.NEGATIVE_INFINITY };
  });
}
