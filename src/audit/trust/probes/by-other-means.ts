import {
  type Ball,
  canSearch,
  hopskipjump,
  type Runnable,
  square,
} from "#attacks";
import type { FloatTensor } from "#onnx";
import { isFree } from "#tables";
import { type Attempt, partOf, type Tries } from "./probe.ts";
import { type Replays, replays } from "./replays.ts";
import { throughSmoothed } from "./smoothed.ts";
import { type Asked, triedBy } from "./tried-by.ts";

/** What attacks did that do not follow the gradient of the model at each point. */
export interface ByOtherMeans extends Replays {
  /** A search by scores; null where it has no moves. */
  scores: Asked | null;
  /** A search by labels alone; null where there is none in the norm. */
  labels: Asked | null;
  /** The gradients of a copy of the model that noise smooths; null in other norms. */
  smoothed: Tries | null;
}

/** The fewest and the most queries of the search by scores. */
const QUERIES = { least: 400, most: 1000 };

/** What a gradient costs in queries: one pass forward, and about two backward. */
const OF_GRADIENT = 3;

/** Rounds of the search by labels: about 1,000 queries. */
const ROUNDS = 5;

/** Samples that are tried by labels: what scores say nothing of falls by the dozen. */
const LABELLED = 16;

/**
 * Tries what followed gradients left standing
 *
 * - by a score attack (Square, Andriushchenko et al. 2020, arXiv:1912.00049), with as
 *   many queries of a sample as the attack itself cost, within 400 and 1,000;
 * - by labels alone (HopSkipJump, Chen et al. 2020, arXiv:1904.02144), about 1,000
 *   queries of up to 16 samples: scores may say nothing of where the label changes;
 * - by the gradients of a smoothed copy of the model, 200 a sample;
 * - by examples of other models, 40 gradients a sample (see `replays`).
 *
 * Shattered gradients mislead none of them. null of rows with constraints and of
 * several heads.
 *
 * @param queries what the attack asked of each sample
 */
export async function byOtherMeans(
  attempt: Attempt,
  queries: number,
): Promise<ByOtherMeans | null> {
  const { ball, beside = [], surrogates = [], x } = attempt;
  if (beside.length > 0 || (ball.table && !isFree(ball.table))) return null;
  const most = Math.min(
    QUERIES.most,
    Math.max(QUERIES.least, Math.ceil(OF_GRADIENT * queries)),
  );
  const smoothed = throughSmoothed(attempt);
  return {
    scores:
      square.norms.includes(ball.norm) && canSearch({ x, ball })
        ? await triedBy(attempt, byScores(most), "square")
        : null,
    labels: hopskipjump.norms.includes(ball.norm)
      ? await triedBy(
          partOf(attempt, [...attempt.y.keys()].slice(0, LABELLED)),
          byLabels,
          "hopskipjump",
        )
      : null,
    smoothed: smoothed && (await triedBy(attempt, smoothed, "smoothed")),
    ...(await replays(attempt, surrogates)),
  };
}

const byScores = (queries: number): Runnable<FloatTensor, Ball> => ({
  unit: square as Runnable<FloatTensor, Ball>["unit"],
  params: square.params.parse({ queries, rescaleSchedule: true }),
});

const byLabels: Runnable<FloatTensor, Ball> = {
  unit: hopskipjump as Runnable<FloatTensor, Ball>["unit"],
  params: hopskipjump.params.parse({ iterations: ROUNDS }),
};
