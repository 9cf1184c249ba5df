import type { Random } from "#core";
import { asAttacked, type CompiledModel, meaningOf } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import type { Attempt } from "./probe.ts";

/** What a step along the gradient does, beside what the gradient says of it. */
export interface AlongSteps {
  /** The length of a step as a share of eps. */
  size: number;
  /**
   * Of each point the change of the loss over the step, there and back, as a share of
   * what the gradient says: the median. 1 where the loss is straight.
   */
  kept: number;
  /** Points that were compared. */
  points: number;
}

/** The length of a step of attacks that do not state it, as a share of eps. */
const STEP = 0.1;

/** Points are random ones of the ball: so many of each sample. */
const DRAWS = 2;

/** Changes of the loss that are less than this share of it are rounding. */
const ROUNDING = 2 ** -18;

/**
 * Whether the loss goes on as the gradient says for a step of the attack's size, at
 * random points of the ball, where attacks begin and pass; null where the gradient
 * passes over rounding as if it were not there, where the nearest example is looked
 * for, and where all changes are rounding.
 */
export async function gradientOverSteps(
  attempt: Attempt,
): Promise<AlongSteps | null> {
  const { model, ball, x, y, targets, chosen } = attempt;
  if (model.model.straightThrough.length > 0 || !Number.isFinite(ball.eps))
    return null;
  const { relStepSize: size = STEP } = chosen.params as {
    relStepSize?: number;
  };
  const random = attempt.random.fork("over steps");
  const rows = Array.from({ length: DRAWS * y.length }, (_, k) => k % y.length);
  const streams = rows.map((_, k) => random.fork(k));
  const from = ball.randomPoint(takeRows(x, rows), streams);
  const truth = {
    y: Int32Array.from(rows, (i) => y[i]!),
    targets: targets && takeRows(targets, rows),
  };
  // What the model draws at random is drawn alike at each point.
  const draws = () => streams.map((stream) => stream.fork("draws"));
  const { gradient } = await model.lossGradient(
    from,
    truth.y,
    { targets: truth.targets },
    draws(),
  );
  const [up, down] = [1, -1].map((way) =>
    ball.project(
      takeRows(x, rows),
      ball.ascend(from, gradient, way * size * ball.eps),
    ),
  ) as [FloatTensor, FloatTensor];
  const [above, below] = [
    await lossesAt(model, up, truth, draws()),
    await lossesAt(model, down, truth, draws()),
  ];
  const width = x.data.length / y.length;
  const kept = rows.flatMap((_, k) => {
    let said = 0;
    for (let i = k * width; i < (k + 1) * width; i++) {
      const slope = gradient.data[i]!;
      if (Number.isFinite(slope)) said += slope * (up.data[i]! - down.data[i]!);
    }
    const scale = Math.max(1, Math.abs(above[k]!), Math.abs(below[k]!));
    const share = (above[k]! - below[k]!) / said;
    return said > ROUNDING * scale && !Number.isNaN(share) ? [share] : [];
  });
  if (kept.length === 0) return null;
  kept.sort((a, b) => a - b);
  return { size, kept: kept[kept.length >> 1]!, points: kept.length };
}

async function lossesAt(
  { model, answers }: CompiledModel,
  x: FloatTensor,
  { y, targets }: { readonly y: Int32Array; readonly targets?: FloatTensor },
  draws: readonly Random[],
): Promise<number[]> {
  const { lossOf } = meaningOf(model);
  const said = await answers(x, draws);
  const outputs = targets ? said.logits : asAttacked(said, model.detectors, y);
  const width = outputs.dims[1] ?? 1;
  return Array.from(y, (label, k) =>
    lossOf(outputs.data.subarray(k * width, (k + 1) * width), {
      label,
      targets: targets && takeRows(targets, [k]).data,
    }),
  );
}
