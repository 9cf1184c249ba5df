import { totalmem } from "node:os";
import type { Peaks } from "./peaks.ts";
import type { WorkKind } from "./work.ts";

/** The share of memory that workers may fill; the rest is this process and others. */
const SHARE = 0.9;

/** Bytes that this machine, or the container on it, has for all workers. */
export function memoryHere(): number {
  // A limit that is none is 0, or more than there is.
  const limit = process.constrainedMemory?.() ?? 0;
  return SHARE * (limit > 0 ? Math.min(limit, totalmem()) : totalmem());
}

/**
 * Whether works together fit into memory, by what such works took before. Of what
 * nothing is known, they are taken to.
 *
 * @param most bytes that each worker may have, where it is ended above that
 */
export const fits = (
  kinds: readonly WorkKind[],
  peaks: Peaks,
  most = Number.POSITIVE_INFINITY,
  bytes = memoryHere(),
): boolean =>
  kinds.reduce(
    (sum, kind) => sum + Math.min(peaks.bytesOf(kind) ?? 0, most),
    0,
  ) <= bytes;
