import type { Random } from "#core";
import { type FloatTensor, takeRows } from "#onnx";
import type { AttackInput } from "../attack.ts";
import { type Ball, resized } from "../ball.ts";
import type { Ascent, AscentInput } from "./apgd-ascent.ts";
import { climb } from "./apgd-climb.ts";
import { momentumPaces } from "./apgd-momentum.ts";
import type { ApgdParams } from "./apgd-params.ts";
import { sparsePaces } from "./apgd-sparse.ts";
import { gathered, type Points, scattered } from "./points.ts";

/**
 * Auto-PGD from one random start, over the samples that still stand: steps
 * whose size adapts at checkpoints (Croce and Hein 2020, arXiv:2003.01690); for
 * L1 sparse ones (Croce and Hein 2021, arXiv:2103.01208). What it finds, the
 * target keeps. Starts in Linf and L2 are uniform in the ball, where the authors'
 * code takes points of its surface.
 */
export async function autoPgd(
  input: AscentInput,
  ascent: Ascent,
): Promise<void> {
  const { steps, eot, rho, onProgress } = ascent;
  const open = input.target.open(eot);
  const phases = phasesOf(input.ball, ascent);
  const [first = { ball: input.ball, steps }] = phases;
  let points = startsOf(input, ascent.purpose, open, first.ball);
  let done = 0;
  for (const [k, phase] of phases.entries()) {
    const { ball } = phase;
    if (k > 0) points = projected(input.x, points, ball);
    const from = done;
    points = await climb(input, ascent, points, {
      ...phase,
      paces: ball.norm === "l1" ? sparsePaces(k > 0) : momentumPaces(rho),
      last: k === phases.length - 1,
      onProgress: (share) => onProgress((from + share * phase.steps) / steps),
    });
    done += phase.steps;
  }
}

interface Phase {
  readonly ball: Ball;
  readonly steps: number;
}

/**
 * For L1 first 30 % of the steps in a ball of 3 eps, then 30 % in one of 2 eps (Croce
 * and Hein 2021, section 4.3).
 */
function phasesOf(ball: Ball, { steps, largerEps }: Ascent): Phase[] {
  if (ball.norm !== "l1" || !largerEps) return [{ ball, steps }];
  const part = Math.ceil(0.3 * steps);
  // However few the steps are, the last is in the ball itself.
  const first = Math.min(part, steps - 1);
  const second = Math.min(part, steps - first - 1);
  const sized = (times: number) => resized(ball, times * ball.eps);
  return [
    { ball: sized(3), steps: first },
    { ball: sized(2), steps: second },
    { ball, steps: steps - first - second },
  ].filter((phase) => phase.steps > 0);
}

/**
 * A random point of each sample; for L1 a projected normal one, which
 * changes few numbers.
 */
function startsOf(
  { x, random }: AscentInput,
  purpose: string,
  open: readonly number[],
  ball: Ball,
): Points {
  const streams = open.map((i) => random[i]!.fork(purpose));
  const centres = takeRows(x, open);
  return scattered(
    ball.norm === "l1"
      ? ball.project(centres, noisy(centres, streams, ball.bounds))
      : ball.randomPoint(centres, streams),
    open,
  );
}

/** Normal noise, as wide as the bounds, around each row. */
function noisy(
  centres: FloatTensor,
  streams: readonly Random[],
  [low, high]: readonly [number, number],
): FloatTensor {
  const width = centres.data.length / Math.max(1, streams.length);
  const data = Float32Array.from(centres.data);
  streams.forEach((stream, row) => {
    for (let i = row * width; i < (row + 1) * width; i++)
      data[i] = data[i]! + (high - low) * stream.normal();
  });
  return { ...centres, data };
}

function projected(x: FloatTensor, points: Points, ball: Ball): Points {
  const samples = [...points.keys()];
  const rows = gathered(points, samples, x);
  return scattered(ball.project(takeRows(x, samples), rows), samples);
}

/** Auto-PGD from several starts, each over what still stands. */
export async function restarted(
  input: AttackInput<ApgdParams>,
  loss: Ascent["loss"],
): Promise<FloatTensor> {
  const { target, params, onProgress } = input;
  const { restarts } = params;
  for (let restart = 0; restart < restarts; restart++)
    await autoPgd(input, {
      ...params,
      loss,
      purpose: `${loss} ${restart}`,
      onProgress: (share) => onProgress((restart + share) / restarts),
    });
  return target.examples();
}
