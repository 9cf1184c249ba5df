import type { Ball, Runnable } from "#attacks";
import type { Random } from "#core";
import { type FloatTensor, putRows, takeRows } from "#onnx";
import type { Attempt } from "./probe.ts";

/** Steps through the smoothed copy, and gradients that each is a mean of. */
const SMOOTHED = { steps: 20, draws: 10 };

/** The length of a step as a share of eps. */
const STEP = 0.1;

/**
 * An attack through a copy of the model that noise smooths, 200 gradients a sample;
 * null in norms that do not say how large noise is.
 */
export function throughSmoothed(
  attempt: Attempt,
): Runnable<FloatTensor, Ball> | null {
  const spread = spreadOf(attempt);
  return spread === null
    ? null
    : { unit: { access: "gradient", run: through(spread) }, params: {} };
}

/**
 * The deviation of noise whose length in the norm is about half of eps; null in others.
 */
function spreadOf({ ball: { norm, eps }, x, y }: Attempt): number | null {
  const count = x.data.length / y.length;
  const each: Partial<Record<typeof norm, number>> = {
    linf: eps / 2,
    l2: eps / 2 / Math.sqrt(count),
    l1: eps / 2 / count,
  };
  return each[norm] ?? null;
}

/**
 * Ascent along the sum of all gradients so far, each the mean over noise around the
 * point: slopes of the model as a whole, where its own go up and down within less than
 * a step. Noise as in smoothing (Athalye et al. 2018, arXiv:1802.00420, take the mean
 * over what shatters gradients), the sum as in MI-FGSM (Dong et al. 2018,
 * arXiv:1710.06081).
 */
const through =
  (spread: number): Runnable<FloatTensor, Ball>["unit"]["run"] =>
  async ({ target, x, ball, random, onProgress }) => {
    const tries = { ...x, data: Float32Array.from(x.data) };
    const summed = { ...x, data: new Float32Array(x.data.length) };
    const streams = random.map((stream) => stream.fork("smoothed"));
    for (let step = 0; step < SMOOTHED.steps; step++) {
      onProgress(step / SMOOTHED.steps);
      const open = target.open(SMOOTHED.draws);
      if (open.length === 0) break;
      const here = takeRows(tries, open);
      const so = takeRows(summed, open);
      for (let draw = 0; draw < SMOOTHED.draws; draw++) {
        const around = noisy(
          here,
          spread,
          ball.bounds,
          (row) => streams[open[row]!]!,
        );
        const { gradient } = await target.lossGradient(around, open);
        addUnit(so, gradient);
      }
      putRows(summed, open, so);
      const next = ball.ascend(here, so, STEP * ball.eps);
      putRows(tries, open, ball.project(takeRows(x, open), next));
      await target.predict(takeRows(tries, open), open);
    }
    return target.examples();
  };

/** Points with normal noise on every number, within the bounds. */
function noisy(
  at: FloatTensor,
  spread: number,
  [low, high]: readonly [number, number],
  streamOf: (row: number) => Random,
): FloatTensor {
  const width = at.data.length / Math.max(1, at.dims[0] ?? 0);
  const data = at.data.map((v, i) =>
    Math.min(
      high,
      Math.max(low, v + spread * streamOf(Math.floor(i / width)).normal()),
    ),
  );
  return { ...at, data };
}

/** Adds to each row a gradient of mean size 1, or nothing where there is none. */
function addUnit(to: FloatTensor, { data }: FloatTensor): void {
  const rows = to.dims[0] ?? 0;
  const width = data.length / Math.max(1, rows);
  for (let row = 0; row < rows; row++) {
    let size = 0;
    for (let i = row * width; i < (row + 1) * width; i++)
      size += Number.isFinite(data[i]!) ? Math.abs(data[i]!) : 0;
    if (size === 0) continue;
    for (let i = row * width; i < (row + 1) * width; i++)
      if (Number.isFinite(data[i]!))
        to.data[i] = to.data[i]! + (width * data[i]!) / size;
  }
}
