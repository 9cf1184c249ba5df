import { type Attack, attackOn, repaired } from "#attacks";
import { takeRows } from "#onnx";
import { brokenOf } from "./most-draws.ts";
import { type Attempt, type Tries, triesOf } from "./probe.ts";

/**
 * The most draws of each sample; Carlini et al. 2019 (arXiv:1902.06705) take
 * ten times as many.
 */
export const DRAWS = 1000;

/** Draws that are tried at once. */
const TOGETHER = 8;

/**
 * Random points of the ball around the samples that the attack left standing; rows of
 * a table repaired.
 */
export async function noiseSearch(
  attempt: Attempt,
  draws: number,
): Promise<Tries> {
  const { model, ball, random, onProgress } = attempt;
  const streams = Array.from(attempt.y, (_, i) => random.fork(`noise ${i}`));
  const search: Attack["run"] = async ({ target, x, onProgress }) => {
    for (let draw = 0; draw < draws; draw += TOGETHER) {
      onProgress(draw / draws);
      const open = target.open(TOGETHER);
      if (open.length === 0) break;
      const samples = open.flatMap((i) => new Array<number>(TOGETHER).fill(i));
      const centres = takeRows(x, samples);
      const points = ball.randomPoint(
        centres,
        samples.map((i) => streams[i]!),
      );
      await target.predict(repaired(ball, centres, points), samples);
    }
    return target.examples();
  };
  const { target, run } = attackOn(
    model,
    attempt,
    { unit: { access: "label", run: search }, params: {} },
    { ball },
    {
      random,
      draws: random.fork("draws of the noise search"),
      onProgress,
    },
  );
  await run();
  const broken = await brokenOf(model, target, attempt, random.fork("judged"));
  return triesOf(broken);
}
