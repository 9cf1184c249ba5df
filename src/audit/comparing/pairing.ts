import type { Results } from "../results/index.ts";
import { MAIN } from "../suite/index.ts";

/** The same sample in two runs: where it is among the outcomes of either. */
export interface Pair {
  readonly old: number;
  readonly new: number;
  readonly fingerprint: string | null;
}

/** The samples of a task that two runs have in common, and how many either has. */
export interface Pairing {
  readonly pairs: readonly Pair[];
  readonly old: number;
  readonly new: number;
}

/**
 * Pairs the samples of a task by their fingerprints; copies of a sample in their order.
 * Where a document has no fingerprints of samples, all are paired in order if both runs
 * attacked the same list of them.
 *
 * @returns null where nothing tells which samples are the same
 */
export function pairingOf(
  task: string,
  old: Results,
  now: Results,
): Pairing | null {
  const [first, second] = [old, now].map((one) => fingerprintsOf(task, one));
  if (first && second) return byFingerprint(first, second);
  const { attacked, fingerprint } = old.provenance.data;
  if (task !== MAIN || fingerprint !== now.provenance.data.fingerprint)
    return null;
  return {
    pairs: Array.from({ length: attacked }, (_, i) => ({
      old: i,
      new: i,
      fingerprint: null,
    })),
    old: attacked,
    new: attacked,
  };
}

const fingerprintsOf = (task: string, { samples }: Results) =>
  samples?.find((one) => one.task === task)?.fingerprints.split(" ");

function byFingerprint(
  old: readonly string[],
  now: readonly string[],
): Pairing {
  const places = new Map<string, number[]>();
  for (const [i, fingerprint] of old.entries())
    places.set(fingerprint, [...(places.get(fingerprint) ?? []), i]);
  const pairs = now.flatMap((fingerprint, j): Pair[] => {
    const i = places.get(fingerprint)?.shift();
    return i === undefined ? [] : [{ old: i, new: j, fingerprint }];
  });
  return { pairs, old: old.length, new: now.length };
}
