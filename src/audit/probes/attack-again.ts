import { ballOf } from "#attacks";
import { grantAccess } from "#model";
import { isFree } from "#tables";
import { countBroken } from "./most-draws.ts";
import type { Scene, Tries } from "./probe.ts";

/** The attack once more on the samples that it left standing, with other parameters or another budget, and other draws. */
export async function attackAgain(
  {
    victim,
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
  change: { readonly params?: Record<string, unknown>; readonly eps?: number },
): Promise<Tries> {
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
  const broken = await countBroken(
    victim,
    target,
    { y, targets },
    stream.fork("judged"),
  );
  return { tried: y.length, broken };
}

/** With twice the steps; null where the attack has none. */
export async function moreSteps(scene: Scene): Promise<Tries | null> {
  const { steps } = scene.chosen.params as { steps?: unknown };
  if (typeof steps !== "number") return null;
  return attackAgain(scene, "twice the steps", {
    params: { steps: 2 * steps },
  });
}

/** With as many restarts once more, which makes them twice as many; null where the attack has none. */
export async function moreRestarts(scene: Scene): Promise<Tries | null> {
  return "restarts" in (scene.chosen.params as object)
    ? attackAgain(scene, "twice the restarts", {})
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
  return eps === undefined ? null : attackAgain(scene, "unbounded", { eps });
}
