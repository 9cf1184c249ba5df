import { availableParallelism } from "node:os";

/** How cores are shared out. */
export interface Split {
  readonly workers: number;
  /** Of each. */
  readonly threads: number;
}

/** Seconds that all measurements take together. */
const SECONDS = 1;

/** Of the best, a share that is as good when it takes fewer workers. */
const AS_GOOD = 0.95;

/**
 * The best way to share out cores: the one that gets the most done, and of those within
 * 5 % of it the one with the fewest workers, since each takes memory.
 *
 * @param measure what so many workers get done in a second, all together
 */
export async function bestSplit(
  measure: (split: Split, seconds: number) => Promise<number>,
  cores = availableParallelism(),
): Promise<Split> {
  const splits = splitsOf(cores);
  const rates: number[] = [];
  for (const split of splits)
    rates.push(await measure(split, SECONDS / splits.length));
  const enough = AS_GOOD * Math.max(...rates);
  return splits.find((_, i) => rates[i]! >= enough) ?? splits[0]!;
}

/**
 * From one worker with all cores to a worker for each, halving the threads, and then
 * half as many workers as cores: where two cores are one with two names, as good.
 */
function splitsOf(cores: number): Split[] {
  const splits: Split[] = [];
  for (let threads = cores; threads > 1; threads = threads >> 1)
    splits.push({ workers: Math.floor(cores / threads), threads });
  if (cores > 3) splits.push({ workers: cores >> 1, threads: 1 });
  splits.push({ workers: cores, threads: 1 });
  return splits;
}
