import type { Random } from "#core";
import { asAttacked, type CompiledModel } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import { isFree } from "#tables";
import type { Attempt } from "./probe.ts";

/** How a model changes its mind, on straight ways from one sample to another. */
export interface JumpAtBoundary {
  /**
   * Of the fall of the margin over the whole way what falls where the label changes,
   * between two inputs that float32 hardly tells apart: the median.
   */
  jump: number;
  /** Ways that were followed. */
  ways: number;
  /** Whether the gradient passes over rounding as if it were not there. */
  overRounding: boolean;
}

/** Ways that are followed at most, and at least for a median. */
const WAYS = { most: 16, least: 4 };

/** After so many halvings the ends of a way are as near as float32 has them. */
const HALVINGS = 24;

/**
 * What the margin does where the label changes: it passes through nothing in a model
 * whose scores tell how near that is, and jumps where the scores that are followed have
 * nothing to do with the label. Looked for by halving the ways between samples of
 * different classes that stand; null where there are not enough of them, and of token
 * ids, other tasks than one class, rows with constraints, and answers drawn at random.
 */
export async function jumpAtBoundary(
  attempt: Attempt,
): Promise<JumpAtBoundary | null> {
  const { model, ball, x, y, targets, beside = [], drawsAtRandom } = attempt;
  if (
    targets ||
    drawsAtRandom ||
    beside.length > 0 ||
    model.model.embedding ||
    (ball.table && !isFree(ball.table))
  )
    return null;
  const pairs = [...y.keys()].flatMap((i) => {
    const j = [...y.keys()].find((k) => y[(i + k) % y.length] !== y[i]);
    return j === undefined ? [] : [[i, (i + j) % y.length] as const];
  });
  const ways = pairs.slice(0, WAYS.most);
  const streams = ways.map((_, k) => attempt.random.fork(`way ${k}`));
  const labels = Int32Array.from(ways, ([i]) => y[i]!);
  const margins = (at: FloatTensor) => marginsAt(model, at, labels, streams);
  let inside = takeRows(
    x,
    ways.map(([i]) => i),
  );
  let outside = takeRows(
    x,
    ways.map(([, j]) => j),
  );
  const [first, last] = [await margins(inside), await margins(outside)];
  let [above, below] = [first, last];
  for (let half = 0; half < HALVINGS; half++) {
    const middle = middleOf(inside, outside);
    const found = await margins(middle);
    const isInside = found.map((margin) => margin > 0);
    [inside, outside] = [
      chosenRows(isInside, middle, inside),
      chosenRows(isInside, outside, middle),
    ];
    above = found.map((margin, k) => (isInside[k] ? margin : above[k]!));
    below = found.map((margin, k) => (isInside[k] ? below[k]! : margin));
  }
  const jumps = ways.flatMap((_, k) => {
    const fall = first[k]! - last[k]!;
    // A way has to begin right and to end in another class.
    return first[k]! > 0 && last[k]! < 0 && Number.isFinite(fall)
      ? [(above[k]! - below[k]!) / fall]
      : [];
  });
  if (jumps.length < WAYS.least) return null;
  jumps.sort((a, b) => a - b);
  return {
    jump: jumps[jumps.length >> 1]!,
    ways: jumps.length,
    overRounding: model.model.straightThrough.length > 0,
  };
}

const middleOf = (a: FloatTensor, b: FloatTensor): FloatTensor => ({
  ...a,
  data: a.data.map((v, i) => (v + b.data[i]!) / 2),
});

/** Of each row the first where it is chosen, and the second where it is not. */
function chosenRows(
  first: readonly boolean[],
  one: FloatTensor,
  other: FloatTensor,
): FloatTensor {
  const width = one.data.length / first.length;
  return {
    ...one,
    data: one.data.map((v, i) =>
      first[Math.floor(i / width)] ? v : other.data[i]!,
    ),
  };
}

async function marginsAt(
  { model, answers }: CompiledModel,
  x: FloatTensor,
  labels: Int32Array,
  streams: readonly Random[],
): Promise<number[]> {
  const draws = streams.map((stream) => stream.fork("draws"));
  const { data, dims } = asAttacked(
    await answers(x, draws),
    model.detectors,
    labels,
  );
  const width = dims[1] ?? 1;
  return Array.from(labels, (label, k) => {
    const row = data.subarray(k * width, (k + 1) * width);
    return row[label]! - Math.max(...row.filter((_, c) => c !== label));
  });
}
