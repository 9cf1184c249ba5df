import { ballOf, repaired } from "#attacks";
import { grantAccess } from "#model";
import { takeRows } from "#onnx";
import { brokenOf } from "./most-draws.ts";
import type { Scene, Tries } from "./probe.ts";

/** The most draws of each sample; Carlini et al. 2019 (arXiv:1902.06705) take ten times as many. */
export const DRAWS = 1000;

/** Draws that are tried at once. */
const TOGETHER = 8;

/** Random points of the ball around the samples that the attack left standing; rows of a table repaired. */
export async function noiseSearch(
  {
    victim,
    beside,
    norm,
    eps,
    x,
    y,
    targets,
    table,
    random,
    onProgress,
  }: Scene,
  draws: number,
): Promise<Tries> {
  const ball = ballOf(norm, eps, victim.model.contract.bounds, table);
  const target = grantAccess(victim, {
    access: "label",
    x,
    y,
    targets,
    limit: ball,
    beside,
    draws: random.fork("draws of the noise search"),
  });
  const streams = Array.from(y, (_, i) => random.fork(`noise ${i}`));
  for (let draw = 0; draw < draws; draw += TOGETHER) {
    onProgress();
    const open = target.open(TOGETHER);
    if (open.length === 0) break;
    const samples = open.flatMap((i) => new Array<number>(TOGETHER).fill(i));
    const centres = takeRows(x, samples);
    const points = ball.randomPoint(
      centres,
      samples.map((i) => streams[i]!),
    );
    await target.predict(
      table ? repaired(table, centres, points) : points,
      samples,
    );
  }
  const broken = await brokenOf(
    victim,
    target,
    { y, targets, beside },
    random.fork("judged"),
  );
  return { tried: y.length, broken: broken.filter(Boolean).length };
}
