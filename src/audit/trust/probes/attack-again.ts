import { type AnyAttack, attackOn, resized } from "#attacks";
import type { Chosen } from "#core";
import { isFree } from "#tables";
import { brokenOf } from "./most-draws.ts";
import {
  type Attempt,
  type Averaged,
  type Drawn,
  type Longer,
  PROBED,
  partOf,
  type Tries,
  triesOf,
} from "./probe.ts";
import { peaksOf } from "./still-rising.ts";

interface Change {
  readonly params?: Record<string, unknown>;
  readonly eps?: number;
}

/**
 * The attack on the samples of an attempt, with other parameters or another budget,
 * and other draws.
 */
export async function attackOnce(
  attempt: Attempt,
  purpose: string,
  change: Change,
): Promise<{ broken: boolean[]; peaks: (number | null)[] }> {
  const { model, chosen, ball, onProgress } = attempt;
  const random = attempt.random.fork(purpose);
  const { target, run } = attackOn(
    model,
    attempt,
    { unit: chosen.unit, params: { ...chosen.params, ...change.params } },
    { ball: change.eps === undefined ? ball : resized(ball, change.eps) },
    { random, draws: random.fork("draws"), onProgress },
  );
  await run();
  const broken = await brokenOf(model, target, attempt, random.fork("judged"));
  const peaks = peaksOf(target.losses).map((peak, i) =>
    target.brokenAt[i] ? null : peak,
  );
  return { broken, peaks };
}

/** With twice the steps; null where the attack has none. */
export async function moreSteps(attempt: Attempt): Promise<Longer | null> {
  const { steps } = attempt.chosen.params as { steps?: unknown };
  if (typeof steps !== "number") return null;
  const { broken, peaks } = await attackOnce(attempt, "twice the steps", {
    params: { steps: 2 * steps },
  });
  return { ...triesOf(broken), rise: riseOf(attempt.peaks, peaks) };
}

/** How much higher the mean is, of those that are known in both. */
function riseOf(
  before: readonly (number | null)[],
  after: readonly (number | null)[],
): number | null {
  const both = before.flatMap((was, i) => {
    const is = after[i] ?? null;
    return was === null || is === null ? [] : [[was, is] as const];
  });
  if (both.length === 0) return null;
  const [was, is] = [0, 1].map((k) =>
    both.reduce((sum, pair) => sum + pair[k]!, 0),
  ) as [number, number];
  return was === is ? 0 : (is - was) / Math.abs(was);
}

/** How many calls an attack averages a gradient over. */
export function drawsOf({ unit, params }: Chosen<AnyAttack>): number {
  const { eot = 1 } = params as { eot?: number };
  return unit.draws?.(params) ?? eot;
}

/** The change to so many draws a gradient; null for an attack that does not average. */
function withDraws({ chosen }: Attempt, draws: number): Change | null {
  const params = { ...(chosen.params as object), eot: draws };
  const averages = "eot" in (chosen.params as object);
  return averages && drawsOf({ ...chosen, params }) === draws
    ? { params: { eot: draws } }
    : null;
}

/**
 * Calls that the gradient of a model that draws at random is averaged over at least.
 */
const DRAWS = 20;

/** Draws at which the course of success is shown. */
const COURSE = [1, 20, 100];

/** Samples of it: each costs as many gradients as there are draws. */
const FEW = 10;

/**
 * Gradients that all tries with other draws take at a step of an attack, over the
 * samples that they look at.
 */
export function gradientsOfDraws(
  chosen: Chosen<AnyAttack>,
  samples: number,
): number {
  if (!("eot" in (chosen.params as object))) return 0;
  const course = COURSE.reduce((sum, draws) => sum + draws, 0);
  return (
    Math.min(PROBED, samples) * moreThan(drawsOf(chosen)) +
    Math.min(FEW, samples) * course
  );
}

const moreThan = (draws: number): number => (draws < DRAWS ? DRAWS : 2 * draws);

/**
 * Success at gradients over 1, 20 and 100 draws, on the first few samples of a
 * an attempt; null where nothing is random, or nothing is averaged.
 */
export async function courseOfDraws(attempt: Attempt): Promise<Drawn[] | null> {
  if (!attempt.drawsAtRandom) return null;
  const few = partOf(attempt, Array.from(attempt.y.keys()).slice(0, FEW));
  const course: Drawn[] = [];
  for (const draws of COURSE) {
    const change = withDraws(attempt, draws);
    if (!change) return null;
    const tries = await again(few, `course at ${draws} draws`, change);
    course.push({ ...tries, draws });
  }
  return course;
}

/**
 * Averaged over 20 draws where it was fewer, and over twice as many otherwise; null
 * where nothing is random, or nothing is averaged.
 */
export async function moreDraws(attempt: Attempt): Promise<Averaged | null> {
  const { drawsAtRandom, draws: before } = attempt;
  const draws = moreThan(before);
  const change = drawsAtRandom ? withDraws(attempt, draws) : null;
  if (!change) return null;
  const tries = await again(attempt, `${draws} draws`, change);
  return { ...tries, before, draws };
}

/**
 * With as many restarts once more, which makes them twice as many; null where the
 * attack has none.
 */
export async function moreRestarts(attempt: Attempt): Promise<Tries | null> {
  return "restarts" in (attempt.chosen.params as object)
    ? again(attempt, "twice the restarts", {})
    : null;
}

/** What says how much a search asks, by the names that its parameters have. */
const ASKED = ["queries", "iterations", "generations", "steps"] as const;

/** With twice the queries; null where the attack does not say how many it has. */
export async function moreQueries(attempt: Attempt): Promise<Tries | null> {
  const params = attempt.chosen.params as Record<string, unknown>;
  const asked = ASKED.find((name) => typeof params[name] === "number");
  if (!asked) return null;
  const twice = 2 * (params[asked] as number);
  return again(attempt, "twice the queries", { params: { [asked]: twice } });
}

/**
 * With so much room that any image can be turned into a grey one, or any row into any
 * other; null where constraints forbid that.
 */
export async function unbounded(attempt: Attempt): Promise<Tries | null> {
  const { norm, table, bounds } = attempt.ball;
  if (table && !isFree(table)) return null;
  const width = bounds[1] - bounds[0];
  const count = attempt.x.data.length / attempt.y.length;
  const far: Partial<Record<typeof norm, number>> = {
    linf: width / 2,
    l2: (width / 2) * Math.sqrt(count),
    l1: (width / 2) * count,
    l0: count,
  };
  const eps = far[norm];
  return eps === undefined ? null : again(attempt, "unbounded", { eps });
}

async function again(
  attempt: Attempt,
  purpose: string,
  change: Change,
): Promise<Tries> {
  return triesOf((await attackOnce(attempt, purpose, change)).broken);
}
