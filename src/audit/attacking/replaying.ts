import { hashOf } from "#core";
import type { Samples } from "#model";
import { isFree } from "#tables";
import type { PlannedCell } from "../plan/index.ts";
import {
  ASCENT,
  canReplay,
  type Evidence,
  PROBED,
  type Replays,
  replays,
  type Untried,
} from "../trust/index.ts";
import { type Failure, foundBy, type Yields, yields } from "../works/index.ts";
import { leftStanding } from "./attempt.ts";
import { type Bench, openFor, type Subject, tidy } from "./bench.ts";
import type { BareCell } from "./cell.ts";
import type { Craft } from "./craft.ts";
import type { Peer } from "./peers.ts";
import { asSurrogate, titleOf } from "./surrogate.ts";

/** What comes of examples of a trained peer of a cell's candidate. */
export interface Replaying {
  readonly peer: Peer;
  /** Null where the peer is no part of the run. */
  readonly work: Yields<Replays> | null;
}

/**
 * Examples of PGD on another candidate that the run trains, replayed on what the attack
 * of a cell left standing. They are a work of their own, so that a training that fails
 * costs the cells of others nothing but this. Nothing is trained for it.
 *
 * @returns null where there is no such candidate, or nothing is replayed on the cell
 */
export function replayingOn(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
  score: Yields<BareCell>,
  examples: Yields<Craft & { readonly examples: Samples }>,
): Replaying | null {
  const { peers, foreseen, store, data } = bench;
  const peer = peers.trained;
  if (!peer || !isReplayedOn(planned, bench)) return null;
  const made = foreseen.candidates.get(peer.id)?.made;
  if (!made) return { peer, work: null };
  const key = hashOf({
    kind: "replays",
    score: score.record,
    through: titleOf(peer),
    peer: peer.key,
    ...ASCENT,
  });
  const work = yields<Replays>(store, {
    id: `replays ${planned.id}`,
    kind: "replays",
    record: `replays/${key}.json`,
    needs: [score, examples, ...made],
    size: Math.min(PROBED, data.y.length) * ASCENT.steps,
    async compute() {
      await tidy(bench);
      const opened = await openFor(await subject.open(), planned.parts, bench);
      const standing = await leftStanding(
        planned,
        opened,
        bench,
        foundBy(examples),
        foundBy(score),
      );
      if (!standing || standing.searches) return { replays: [], untried: [] };
      const ready = await bench.models.candidate(peer.id);
      return replays(standing.few, [
        await asSurrogate(titleOf(peer), ready, bench),
      ]);
    },
  });
  return { peer, work };
}

/** Whether examples of other models are replayed on what stands of a cell. */
const isReplayedOn = (
  { chosen: { unit }, probed, adaptive, queries, norm }: PlannedCell,
  { data: { texts, table, targets } }: Bench,
): boolean =>
  probed &&
  adaptive &&
  queries === null &&
  unit.access === "gradient" &&
  (unit.family === "iterative" || unit.family === "minimum-norm") &&
  !texts &&
  (!table || isFree(table)) &&
  canReplay({ targets, ball: { norm } });

/**
 * Evidence with what the replays broke; with why there are none, where they were not
 * made.
 *
 * @param failures why works have no result
 */
export function withReplays(
  evidence: Omit<Evidence, "faults">,
  replaying: Replaying | null,
  failures: readonly Failure[],
): Omit<Evidence, "faults"> {
  const { probes } = evidence;
  if (!replaying || !probes?.otherMeans) return evidence;
  const { otherMeans } = probes;
  const { peer, work } = replaying;
  const found = work?.found() ?? {
    replays: [],
    untried: [{ through: titleOf(peer), why: whyNone(work, failures) }],
  };
  return {
    ...evidence,
    probes: {
      ...probes,
      otherMeans: {
        ...otherMeans,
        replays: [...otherMeans.replays, ...found.replays],
        untried: [...otherMeans.untried, ...found.untried],
      },
    },
  };
}

function whyNone(
  work: Replaying["work"],
  failures: readonly Failure[],
): Untried["why"] {
  if (!work) return "which is no part of this run";
  const failure = failures.find(({ record }) => record === work.record);
  return failure
    ? `since ${failure.because ?? failure.work} failed`
    : "since it was not done";
}
