import { Random } from "#core";
import type { Engine } from "#engine";
import {
  type FloatTensor,
  floats,
  int64s,
  sizeOf,
  type Tensor,
  tensor,
} from "#onnx";
import { type CompiledModel, compile } from "./compiled.ts";
import { atEmbedding } from "./embedding.ts";
import type { Model } from "./model.ts";

/** How well the input gradient agrees with central differences of the loss. */
export interface SelfCheck {
  /** The largest over the points where there is a gradient; 0 where there is none. */
  readonly maxRelativeError: number;
  readonly points: number;
  /** Points at which the gradient is zero everywhere. */
  readonly zeroAt: number;
}

/** Points at which the gradient is compared with differences of the loss. */
const POINTS = 8;

/** Steps as shares of the input range; the best counts, since both kinks and rounding spoil some. */
const STEPS = [1e-1, 3e-2, 1e-2, 3e-3, 1e-3];

/**
 * Compares the gradient of the loss with central finite differences at random
 * points; of a text model, around the embeddings of a random text.
 *
 * @throws what `compile` and its runs throw
 */
export async function checkGradient(
  source: Model,
  engine: Engine,
): Promise<SelfCheck> {
  const model = source.embedding ? aroundRandomText(source) : source;
  const random = new Random("gradient self-check");
  const compiled = await compile(model, engine);
  let maxRelativeError = 0;
  let zeroAt = 0;
  try {
    for (let p = 0; p < POINTS; p++) {
      const error = await errorAtRandomPoint(compiled, random);
      if (error === undefined) zeroAt++;
      else maxRelativeError = Math.max(maxRelativeError, error);
    }
  } finally {
    await compiled.release();
  }
  return { maxRelativeError, points: POINTS, zeroAt };
}

/** The smallest relative error over all steps at one point; undefined where the gradient is zero, NaN where it is no number. */
async function errorAtRandomPoint(
  { model, lossGradient }: CompiledModel,
  random: Random,
): Promise<number | undefined> {
  const { shape, bounds } = model.contract;
  const [low, high] = bounds;
  const point = (make: (i: number) => number): FloatTensor =>
    floats(
      [1, ...shape],
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => make(i)),
    );
  const x = point(() => low + (high - low) * (0.2 + 0.6 * random.uniform()));
  const label = [random.below(model.classes.length)];
  const { gradient } = await lossGradient(x, label);
  if (!gradient.data.every(Number.isFinite)) return Number.NaN;
  // Along a part of the gradient itself: the derivative is a sum of squares, far from rounding.
  const along = Float32Array.from(gradient.data, (g) =>
    random.uniform() < 0.5 ? g : 0,
  );
  const length = Math.sqrt(along.reduce((sum, v) => sum + v * v, 0));
  if (length === 0) return undefined;
  const expected = along.reduce(
    (sum, v, i) => sum + (v / length) * (gradient.data[i] as number),
    0,
  );
  let best = Number.POSITIVE_INFINITY;
  for (const step of STEPS) {
    const size = (step * (high - low)) / length;
    const lossAt = async (sign: number) => {
      const moved = point(
        (i) => (x.data[i] as number) + sign * size * (along[i] as number),
      );
      return (await lossGradient(moved, label)).loss[0] as number;
    };
    const slope =
      ((await lossAt(1)) - (await lossAt(-1))) / (2 * step * (high - low));
    const error =
      Math.abs(slope - expected) / Math.max(Math.abs(expected), 1e-12);
    best = Math.min(best, error);
  }
  return best;
}

/** A text model around the embeddings of a text of random tokens. */
function aroundRandomText(model: Model): Model {
  const random = new Random("random text");
  const { graph, contract, input } = model;
  const lookup = graph.nodes.find((n) =>
    n.outputs.includes(model.embedding as string),
  );
  const table = graph.constants.get(lookup?.inputs[0] ?? "") as FloatTensor;
  const length = contract.shape[0] ?? 1;
  // Token 0 fills up short texts; a text of others is all seen.
  const ids = Array.from(
    { length },
    () => 1 + random.below(Math.max(1, (table.dims[0] ?? 2) - 1)),
  );
  const whole: Tensor =
    graph.inputs.find((i) => i.name === input)?.type === "int32"
      ? tensor("int32", [1, length], Int32Array.from(ids))
      : int64s(ids, [1, length]);
  const largest = table.data.reduce(
    (most, v) => Math.max(most, Math.abs(v)),
    0,
  );
  return atEmbedding(model, whole, largest);
}
