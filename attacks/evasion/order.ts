import type { Random } from "#core";

/**
 * Samples in a random order that depends on their own generators, not on the order in
 * which they are given.
 */
export function inOrder(
  samples: readonly number[],
  streams: readonly Random[],
): number[] {
  const keys = new Map(samples.map((i) => [i, streams[i]!.uniform()]));
  return samples.toSorted(
    (a, b) => (keys.get(a) as number) - (keys.get(b) as number),
  );
}
