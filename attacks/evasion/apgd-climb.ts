import { fresh, type Lent, reused, rows } from "#onnx";
import type { Ball } from "../ball.ts";
import type { Ascent, AscentInput } from "./apgd-ascent.ts";
import type { Climber, Pace, Paces } from "./apgd-pace.ts";
import { gathered, type Points } from "./points.ts";
import { rowOf } from "./vectors.ts";

/** A climb in one ball. */
export interface Stretch {
  readonly ball: Ball;
  readonly steps: number;
  readonly paces: Paces;
  /** Whether no other climb goes on from its highest points. */
  readonly last: boolean;
  readonly onProgress: (share: number) => void;
}

/**
 * Climbs from a point of each sample, which leaves when the target has an
 * example of it, or when it cannot afford another gradient.
 *
 * @returns the highest points of those that still stand
 */
export async function climb(
  input: AscentInput,
  ascent: Ascent,
  starts: Points,
  { ball, steps, paces, last, onProgress }: Stretch,
): Promise<Points> {
  const { target, x } = input;
  const standing = () => target.open(ascent.eot).filter((i) => starts.has(i));
  const climbers = new Map([...starts].map(([i, at]) => [i, startedAt(at)]));
  const pace = new Map<number, Pace>(
    [...starts].map(([i, at]) => [i, paces.begin(ball, rows(x, i, i + 1), at)]),
  );
  const checkpoints = paces.checkpoints(steps);
  const lent = reused();
  let checked = 0;
  for (let step = 0; step < steps; step++) {
    onProgress(step / steps);
    const open = standing();
    if (open.length === 0) break;
    await look(input, ascent, climbers, open, lent);
    const since = checkpoints.includes(step) ? step - checked : 0;
    if (since > 0) checked = step;
    const left = new Set(target.open());
    for (const i of open.filter((sample) => left.has(sample)))
      advance(climbers.get(i) as Climber, pace.get(i) as Pace, since);
  }
  if (!last) {
    const open = standing();
    await look(input, ascent, climbers, open, lent);
    return pointsOf(climbers, standing(), "best");
  }
  const open = target.open().filter((i) => starts.has(i));
  const points = gathered(pointsOf(climbers, open, "point"), open, x, lent);
  if (open.length > 0) await target.predict(points, open);
  return new Map();
}

const startedAt = (point: Float32Array): Climber => ({
  point: point.slice(),
  before: point.slice(),
  gradient: fresh(0),
  loss: Number.NaN,
  bestLoss: Number.NEGATIVE_INFINITY,
  best: point.slice(),
  bestGradient: fresh(0),
  rises: 0,
});

const pointsOf = (
  climbers: ReadonlyMap<number, Climber>,
  samples: readonly number[],
  which: "point" | "best",
): Points =>
  new Map(samples.map((i) => [i, (climbers.get(i) as Climber)[which]]));

/**
 * One step. `since` is how many there were since the last checkpoint,
 * where this is one.
 */
function advance(climber: Climber, pace: Pace, since: number): void {
  if (since > 0) {
    if (pace.review(climber, since)) {
      climber.point.set(climber.best);
      climber.gradient = climber.bestGradient;
    }
    climber.rises = 0;
  }
  const next = pace.next(climber);
  const { point, before } = climber;
  before.set(next);
  climber.point = before;
  climber.before = point;
}

/**
 * Asks for loss and gradient at the points of some samples. Of several draws the
 * loss is the mean (the authors' code takes the last) and the gradient the sum,
 * since steps do not depend on its length.
 */
async function look(
  { target, x }: AscentInput,
  { loss: name, aims, eot }: Ascent,
  climbers: ReadonlyMap<number, Climber>,
  samples: readonly number[],
  lent: Lent,
): Promise<void> {
  const points = pointsOf(climbers, samples, "point");
  const sums = new Map<number, { loss: number; gradient: Float32Array }>();
  let open = samples;
  for (let draw = 0; draw < eot && open.length > 0; draw++) {
    const { loss, gradient } = await target.lossGradient(
      gathered(points, open, x, lent),
      open,
      { loss: name, aims: aims && open.map((i) => aims.get(i) as number) },
    );
    open.forEach((i, place) => {
      const sum = sums.get(i);
      const row = rowOf(gradient, place);
      if (sum) {
        sum.loss += loss[place]!;
        for (let k = 0; k < row.length; k++)
          sum.gradient[k] = sum.gradient[k]! + row[k]!;
      } else {
        // A view of the answer, unless further ones are added to it.
        const own = eot > 1 ? row.slice() : row;
        sums.set(i, { loss: loss[place]!, gradient: own });
      }
    });
    // Another draw of the model may have broken some.
    const left = new Set(target.open());
    if (eot > 1) open = open.filter((i) => left.has(i));
  }
  for (const i of open) {
    const sum = sums.get(i);
    if (sum) learn(climbers.get(i) as Climber, sum.loss / eot, sum.gradient);
  }
}

/** Takes note of the loss and the gradient at a climber's point. */
function learn(climber: Climber, loss: number, gradient: Float32Array): void {
  if (loss > climber.loss) climber.rises++;
  climber.loss = loss;
  climber.gradient = gradient;
  const first = climber.bestGradient.length === 0;
  if (!first && !(loss > climber.bestLoss)) return;
  if (loss > climber.bestLoss) climber.bestLoss = loss;
  if (first) climber.bestGradient = fresh(gradient.length);
  climber.best.set(climber.point);
  climber.bestGradient.set(gradient);
}
