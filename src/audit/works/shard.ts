import type { Work, WorkKind } from "./work.ts";

/** One of several parts of a run that are computed apart from each other. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/**
 * What is shared out. Others are needed by these, or are quickly made of what all
 * shards have found: those are for whoever merges them.
 */
const shared: readonly WorkKind[] = [
  "look",
  "probes",
  "decision",
  "epoch",
  "part",
  "trial",
  "certificate",
];

/**
 * The works that a shard has to see done. Of each kind it gets a run of neighbours,
 * which are of the same candidates as far as may be, so that few models are made by
 * several shards.
 *
 * @param works all of a run, in their order
 */
export const shardOf = (
  works: Iterable<Work>,
  { index, count }: Shard,
): Work[] => {
  const all = [...works].filter((work) => !isMerged(work));
  return shared.flatMap((kind) => {
    const own = all.filter((work) => work.kind === kind);
    const end = (shards: number) => Math.floor((shards * own.length) / count);
    return own.slice(end(index - 1), end(index));
  });
};

/** Whether it puts together what other shards may have found. */
const isMerged = ({ kind, needs }: Work): boolean =>
  kind === "trial" && needs.some((need) => need.kind === "part");
