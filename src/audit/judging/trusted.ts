import type { Preflight } from "../models/index.ts";
import type {
  Cell,
  CrossTask,
  MissingResult,
  Trajectory,
} from "../results/index.ts";
import { commandFor, type LoadedSuite } from "../suite/index.ts";
import {
  type Evidence,
  isTrusted,
  otherMeans,
  type TrustCheck,
  trustChecks,
} from "../trust/index.ts";
import { idsOf } from "./lacking.ts";

/** A cell before it is judged, and what the trust checks look at. */
export interface Scored {
  readonly cell: Omit<Cell, "trusted" | "checks" | "reproduce">;
  readonly evidence: Omit<Evidence, "faults">;
}

/** What the preflight found of each candidate. */
export type Looks = ReadonlyMap<
  string,
  Pick<Preflight, "faults"> & Partial<Preflight>
>;

/**
 * Judges every cell by the others.
 *
 * @param suite for the command that computes one cell alone
 * @param more checks beside our own
 */
export function judgeCells(
  scored: readonly Scored[],
  looks: Looks,
  suite: Pick<LoadedSuite, "file" | "settings">,
  more: readonly TrustCheck[] = [],
): Cell[] {
  const evidence = scored.map(
    (one): Evidence => ({
      ...one.evidence,
      faults: looks.get(one.cell.candidate)?.faults ?? [],
    }),
  );
  return scored.map(({ cell }, i): Cell => {
    const checks = trustChecks(evidence[i]!, evidence, more);
    return {
      ...cell,
      trusted: isTrusted(checks),
      checks,
      reproduce: commandFor(suite, cell.id),
    };
  });
}

type HeadRow = Omit<CrossTask, "trusted" | "checks">;

/** What attacks on several heads of one trunk did, before they are judged. */
export interface AcrossHeads {
  /** Examples of one head under another, with the cell that they were made in. */
  readonly replays: readonly { readonly row: HeadRow; readonly cell: string }[];
  /**
   * Attacks on all heads at once; of each head why it has no gradient, null
   * where it has one.
   */
  readonly together: readonly {
    readonly evidence: Scored["evidence"];
    readonly heads: readonly {
      readonly row: HeadRow;
      readonly noGradient: string | null;
    }[];
  }[];
}

/**
 * A replay is trusted as its cell is; an attack on all heads is judged as a cell is,
 * and says little of a head whose gradient it did not follow.
 */
export function judgeHeads(
  { replays, together }: AcrossHeads,
  cells: readonly Cell[],
  looks: Looks,
  more: readonly TrustCheck[] = [],
): CrossTask[] {
  const trusted = new Map(cells.map((cell) => [cell.id, cell.trusted]));
  const siblings = together.map(({ evidence, heads }): Evidence => {
    const all = heads.flatMap(
      ({ row }) => looks.get(row.candidate)?.faults ?? [],
    );
    return { ...evidence, faults: [...new Set(all)] };
  });
  return [
    ...replays.map(({ row: { outcomes, ...row }, cell }) => ({
      ...row,
      trusted: trusted.get(cell) === true,
      outcomes,
    })),
    ...together.flatMap(({ heads }, at) =>
      heads.map(({ row: { outcomes, ...row }, noGradient }) => {
        // No attack without gradients is made on several heads.
        const { guesswork } = looks.get(row.candidate) ?? {};
        const checks = trustChecks(
          { ...siblings[at]!, noGradient, guesswork },
          siblings,
          more,
        ).filter(({ id }) => id !== otherMeans.id);
        return { ...row, trusted: isTrusted(checks), checks, outcomes };
      }),
    ),
  ];
}

/** The epochs of a fine-tuning before they are judged. */
export type Followed = Omit<Trajectory, "points" | "missing"> & {
  readonly points: readonly (Omit<Trajectory["points"][number], "trusted"> & {
    readonly evidence: Scored["evidence"];
  })[];
};

/**
 * Judges each epoch by itself; no preflight looked at its weights.
 *
 * @param missing what was planned and has no result
 */
export const judgeEpochs = (
  followed: Followed,
  missing: readonly MissingResult[],
  more: readonly TrustCheck[] = [],
): Trajectory => ({
  ...followed,
  missing: idsOf(
    missing.filter(
      ({ what, candidate }) =>
        what === "epoch" && candidate === followed.candidate,
    ),
  ),
  points: followed.points.map(({ evidence, ...point }) => {
    const seen = { ...evidence, faults: [] };
    return { ...point, trusted: isTrusted(trustChecks(seen, [seen], more)) };
  }),
});
