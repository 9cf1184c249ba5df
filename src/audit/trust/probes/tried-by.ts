import { attackOn, type Ball, type Runnable } from "#attacks";
import type { FloatTensor } from "#onnx";
import { brokenOf } from "./most-draws.ts";
import { type Attempt, type Tries, triesOf } from "./probe.ts";

/** What an attack broke, and how many queries it asked of a sample, about. */
export interface Asked extends Tries {
  queries: number;
}

/**
 * Runs another attack on the samples of an attempt.
 *
 * @param purpose what its draws are forked by
 */
export async function triedBy(
  attempt: Attempt,
  chosen: Runnable<FloatTensor, Ball>,
  purpose: string,
): Promise<Asked> {
  const { model, ball, onProgress } = attempt;
  const random = attempt.random.fork(purpose);
  const { target, run } = attackOn(
    model,
    attempt,
    chosen,
    { ball },
    { random, draws: random.fork("draws"), onProgress },
  );
  await run();
  const broken = await brokenOf(model, target, attempt, random.fork("judged"));
  const { forward, gradient } = target.queries;
  const queries = Math.round((forward + gradient) / Math.max(1, broken.length));
  return { ...triesOf(broken), queries };
}
