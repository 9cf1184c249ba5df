import type { WorkKind } from "./work.ts";

/** What memory workers took, as it is learned from works that end. */
export interface Peaks {
  /**
   * Bytes of a worker while it does a work of a kind; of one that is not known, the
   * most that is known of any. Undefined where nothing is.
   */
  bytesOf(kind: WorkKind): number | undefined;
  /** Whether a work of this kind was seen. */
  knows(kind: WorkKind): boolean;
  learn(kind: WorkKind, bytes: number): void;
}

/** What is left of the distance to a peak when a work has stayed below it. */
const REMEMBERED = 0.9;

/**
 * The peak of a kind is the highest that was seen, and comes down as works stay below.
 *
 * @param known what was learned before; what is learned now goes there too
 */
export const peaksOf = (known: Map<WorkKind, number> = new Map()): Peaks => ({
  bytesOf: (kind) =>
    known.get(kind) ??
    (known.size > 0 ? Math.max(...known.values()) : undefined),
  knows: (kind) => known.has(kind),
  learn(kind, bytes) {
    const before = known.get(kind) ?? 0;
    known.set(kind, Math.max(bytes, bytes + REMEMBERED * (before - bytes)));
  },
});
