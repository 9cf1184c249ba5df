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
  /** The largest over the points that could be compared; 0 when there is none. */
  readonly maxRelativeError: number;
  readonly points: number;
  /** Points at which the gradient is zero everywhere. */
  readonly zeroAt: number;
  /** Points at which it is so small that the differences are rounding alone. */
  readonly flatAt: number;
}

/** Points at which the gradient is compared with differences of the loss. */
const POINTS = 8;

/** Steps as shares of the input range; the best counts, since both kinks and rounding spoil some. */
const STEPS = [1e-2, 3e-3, 3e-2, 1e-3, 1e-1];

/** With a step this good, no other is tried. */
const GOOD = 0.005;

/** How exactly a model of float32 gives its logits, as a share of the largest: some roundings of 2^-24. */
const ROUNDING = 2 ** -22;

/** Differences that rounding blurs by more than this share of the slope are not looked at. */
const BLUR = 0.1;

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
  let flatAt = 0;
  try {
    for (let p = 0; p < POINTS; p++) {
      const error = await errorAtRandomPoint(compiled, random);
      if (error === "zero") zeroAt++;
      else if (error === "flat") flatAt++;
      else maxRelativeError = Math.max(maxRelativeError, error);
    }
  } finally {
    await compiled.release();
  }
  return { maxRelativeError, points: POINTS, zeroAt, flatAt };
}

/** The smallest relative error over all steps at one point; NaN where the gradient or the loss is no number. */
async function errorAtRandomPoint(
  { model, lossGradient, logits }: CompiledModel,
  random: Random,
): Promise<number | "zero" | "flat"> {
  const { shape, bounds } = model.contract;
  const [low, high] = bounds;
  const point = (make: (i: number) => number): FloatTensor =>
    floats(
      [1, ...shape],
      Float32Array.from({ length: sizeOf(shape) }, (_, i) => make(i)),
    );
  const x = point(() => low + (high - low) * (0.2 + 0.6 * random.uniform()));
  const label = random.below(model.classes.length);
  const { gradient, logits: z } = await lossGradient(x, [label]);
  if (!gradient.data.every(Number.isFinite)) return Number.NaN;
  // Along a part of the gradient itself: the derivative is a sum of squares, far from rounding.
  const along = gradient.data.map((g) => (random.uniform() < 0.5 ? g : 0));
  const expected = Math.sqrt(along.reduce((sum, v) => sum + v * v, 0));
  if (expected === 0) return "zero";
  const largest = z.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  let best: number | "flat" = "flat";
  for (const step of STEPS) {
    const size = step * (high - low);
    if ((ROUNDING * largest) / size > BLUR * expected) continue;
    const lossAt = async (sign: number) => {
      const moved = point(
        (i) =>
          (x.data[i] as number) +
          (sign * size * (along[i] as number)) / expected,
      );
      return crossEntropyOf((await logits(moved)).data, label);
    };
    const slope = ((await lossAt(1)) - (await lossAt(-1))) / (2 * size);
    if (Number.isNaN(slope)) return slope;
    const error = Math.abs(slope - expected) / expected;
    best = best === "flat" ? error : Math.min(best, error);
    if (best < GOOD) break;
  }
  return best;
}

/** The loss of one row of logits in double precision, which differences need. */
function crossEntropyOf(logits: Float32Array, label: number): number {
  const largest = logits.reduce((most, v) => Math.max(most, v), -Infinity);
  let sum = 0;
  for (const z of logits) sum += Math.exp(z - largest);
  return Math.log(sum) + largest - (logits[label] as number);
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
