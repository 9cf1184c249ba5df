import type { Random } from "#core";
import type { Dataset } from "#data";
import type { Beside, CompiledModel, Target } from "#model";
import type { FloatTensor } from "#onnx";
import { decisions, REFUSED } from "../../models/index.ts";

/**
 * Draws that are asked of a model that draws at random; odd, so that
 * there is a majority.
 */
const DRAWS = 11;

type Right = Pick<Dataset, "y" | "targets">;

/**
 * Which rows a model that draws at random gets wrong at most draws; none of
 * one that does not.
 */
export async function wrongAtMost(
  model: CompiledModel,
  x: FloatTensor,
  { y, targets }: Right,
  random: Random,
): Promise<boolean[]> {
  if (!model.model.noise) return Array.from(y, () => false);
  const streams = Array.from(y, (_, i) => random.fork(i));
  const wrong = Array.from(y, () => 0);
  for (let draw = 0; draw < DRAWS; draw++) {
    const answers = await model.answers(x, streams);
    decisions(model.model, answers, targets).forEach((p, i) => {
      if (p !== y[i] && p !== REFUSED) wrong[i]!++;
    });
  }
  return wrong.map((count) => 2 * count > DRAWS);
}

/**
 * Which samples of a target were broken, and not by one unlucky draw of the model
 * alone; of several heads, which fall together, one draw is enough.
 */
export async function brokenOf(
  model: CompiledModel,
  target: Target,
  { beside = [], ...right }: Right & { beside?: readonly Beside[] },
  random: Random,
): Promise<boolean[]> {
  return model.model.noise && beside.length === 0
    ? wrongAtMost(model, target.examples(), right, random)
    : Array.from(target.brokenAt, (query) => query > 0);
}
