import { type AnyAttack, ballOf } from "#attacks";
import type { Chosen } from "#core";
import { grantAccess } from "#model";
import { isFree } from "#tables";
import { brokenOf } from "./most-draws.ts";
import {
  type Averaged,
  type Drawn,
  type Longer,
  type Scene,
  someOf,
  type Tries,
} from "./probe.ts";
import { peaksOf } from "./still-rising.ts";

interface Change {
  readonly params?: Record<string, unknown>;
  readonly eps?: number;
}

/** The attack on the samples of a scene, with other parameters or another budget, and other draws. */
export async function attackOnce(
  {
    victim,
    beside,
    chosen,
    norm,
    x,
    y,
    targets,
    table,
    random,
    onProgress,
    ...scene
  }: Scene,
  purpose: string,
  change: Change,
): Promise<{ broken: boolean[]; peaks: (number | null)[] }> {
  const eps = change.eps ?? scene.eps;
  const ball = ballOf(norm, eps, victim.model.contract.bounds, table);
  const { unit } = chosen;
  const stream = random.fork(purpose);
  const target = grantAccess(victim, {
    access: unit.access,
    x,
    y,
    targets,
    limit: ball,
    beside,
    draws: stream.fork("draws"),
  });
  await unit.run({
    target,
    x,
    y,
    ball,
    table,
    params: { ...chosen.params, ...change.params },
    random: Array.from(y, (_, i) => stream.fork(i)),
    onProgress,
  });
  const broken = await brokenOf(
    victim,
    target,
    { y, targets, beside },
    stream.fork("judged"),
  );
  const peaks = peaksOf(target.losses).map((peak, i) =>
    target.brokenAt[i] ? null : peak,
  );
  return { broken, peaks };
}

/** With twice the steps; null where the attack has none. */
export async function moreSteps(scene: Scene): Promise<Longer | null> {
  const { steps } = scene.chosen.params as { steps?: unknown };
  if (typeof steps !== "number") return null;
  const { broken, peaks } = await attackOnce(scene, "twice the steps", {
    params: { steps: 2 * steps },
  });
  return { ...triesOf(broken), rise: riseOf(scene.peaks, peaks) };
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
function withDraws({ chosen }: Scene, draws: number): Change | null {
  const params = { ...(chosen.params as object), eot: draws };
  const averages = "eot" in (chosen.params as object);
  return averages && drawsOf({ ...chosen, params }) === draws
    ? { params: { eot: draws } }
    : null;
}

/** Calls that the gradient of a model that draws at random is averaged over at least. */
const DRAWS = 20;

/** Draws at which the course of success is shown. */
const COURSE = [1, 20, 100];

/** Samples of it: each costs as many gradients as there are draws. */
const FEW = 10;

/**
 * Success at gradients over 1, 20 and 100 draws, on the first few samples of a
 * scene; null where nothing is random, or nothing is averaged.
 */
export async function courseOfDraws(scene: Scene): Promise<Drawn[] | null> {
  if (!scene.drawsAtRandom) return null;
  const few = someOf(scene, Array.from(scene.y.keys()).slice(0, FEW));
  const course: Drawn[] = [];
  for (const draws of COURSE) {
    const change = withDraws(scene, draws);
    if (!change) return null;
    const tries = await again(few, `course at ${draws} draws`, change);
    course.push({ ...tries, draws });
  }
  return course;
}

/** Averaged over 20 draws where it was fewer, and over twice as many otherwise; null where nothing is random, or nothing is averaged. */
export async function moreDraws(scene: Scene): Promise<Averaged | null> {
  const { drawsAtRandom, draws: before } = scene;
  const draws = before < DRAWS ? DRAWS : 2 * before;
  const change = drawsAtRandom ? withDraws(scene, draws) : null;
  if (!change) return null;
  const tries = await again(scene, `${draws} draws`, change);
  return { ...tries, before, draws };
}

/** With as many restarts once more, which makes them twice as many; null where the attack has none. */
export async function moreRestarts(scene: Scene): Promise<Tries | null> {
  return "restarts" in (scene.chosen.params as object)
    ? again(scene, "twice the restarts", {})
    : null;
}

/** With so much room that any image can be turned into a grey one, or any row into any other; null where constraints forbid that. */
export async function unbounded(scene: Scene): Promise<Tries | null> {
  if (scene.table && !isFree(scene.table)) return null;
  const [low, high] = scene.victim.model.contract.bounds;
  const width = high - low;
  const count = scene.x.data.length / scene.y.length;
  const far: Partial<Record<Scene["norm"], number>> = {
    linf: width / 2,
    l2: (width / 2) * Math.sqrt(count),
    l1: (width / 2) * count,
    l0: count,
  };
  const eps = far[scene.norm];
  return eps === undefined ? null : again(scene, "unbounded", { eps });
}

async function again(
  scene: Scene,
  purpose: string,
  change: Change,
): Promise<Tries> {
  return triesOf((await attackOnce(scene, purpose, change)).broken);
}

const triesOf = (broken: readonly boolean[]): Tries => ({
  tried: broken.length,
  broken: broken.filter(Boolean).length,
});
