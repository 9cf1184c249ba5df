import { Random } from "#core";
import type { Engine } from "#engine";
import { type FloatTensor, floats, GraphBuilder, prune } from "#onnx";
import { type CompiledModel, compile } from "./compiled.ts";
import { asAttacked } from "./detection.ts";
import { atEmbedding } from "./embedding.ts";
import type { Model } from "./model.ts";
import { randomSamples } from "./random-samples.ts";
import { meaningOf, type Truth } from "./tasks/index.ts";

/** How well the input gradient agrees with central differences of the loss. */
export interface SelfCheck {
  /** The largest over the points that could be compared; 0 when there is none. */
  readonly maxRelativeError: number;
  readonly points: number;
  /** Points at which the gradient is zero everywhere. */
  readonly zeroAt: number;
  /** Points at which it is so small that the differences are rounding alone. */
  readonly flatAt: number;
  /**
   * Whether it is not zero everywhere, and agrees with differences
   * wherever they can tell.
   */
  readonly agrees: boolean;
}

/** Up to here a relative error counts as agreement: float32 and kinks leave no less. */
const AGREES = 0.05;

/** Points at which the gradient is compared with differences of the loss. */
const POINTS = 8;

/**
 * Steps as shares of the input range. The best counts, since both kinks and
 * rounding spoil some.
 */
const STEPS = [1e-2, 3e-3, 3e-2, 1e-3, 1e-1, 3e-4, 1e-4];

/** With a step this good, no other is tried. */
const GOOD = 0.005;

/**
 * How exactly a model of float32 gives its logits, as a share of the largest: some
 * roundings of 2^-24.
 */
const ROUNDING = 2 ** -22;

/**
 * Differences that rounding blurs by more than this share of the slope
 * are not looked at.
 */
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
  const model = source.embedding
    ? await aroundRandomText(source, engine)
    : source;
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
  const agrees = zeroAt < POINTS && maxRelativeError < AGREES;
  return { maxRelativeError, points: POINTS, zeroAt, flatAt, agrees };
}

/** The error at a random point. */
async function errorAtRandomPoint(compiled: CompiledModel, random: Random) {
  const x = randomSamples(compiled.model, 1, random) as FloatTensor;
  const { model } = compiled;
  const { targets: needed, missed } = meaningOf(model);
  if (!needed) {
    const label = random.below(model.classes.length);
    return gradientError(compiled, x, { label }, random);
  }
  const targets = missed((await compiled.logits(x)).data);
  return gradientError(compiled, x, { label: 0, targets }, random);
}

/**
 * The relative error of the loss gradient at one point against central
 * differences along a part of it, for the best of several steps. NaN where the
 * gradient or the loss is no number, "zero" where the gradient is, "flat" where
 * differences would be rounding alone.
 *
 * @param x one sample [1, ...shape]
 * @param truth its class, or its targets
 */
export async function gradientError(
  { model, lossGradient, answers }: CompiledModel,
  x: FloatTensor,
  truth: Truth,
  random: Random,
): Promise<number | "zero" | "flat"> {
  const [low, high] = model.contract.bounds;
  const { lossOf, slopeOf } = meaningOf(model);
  const { targets } = truth;
  // What the model draws at random is drawn alike at every step.
  const noise = random.fork("draws");
  const {
    gradient,
    notFinite,
    logits: z,
  } = await lossGradient(
    x,
    [truth.label],
    { targets: targets && floats([1, targets.length], targets) },
    [noise.fork(0)],
  );
  if (notFinite.length > 0) return Number.NaN;
  // Along a part of the gradient itself: the derivative is a sum of squares,
  // far from rounding.
  const part = gradient.data.map((g) => (random.uniform() < 0.5 ? g : 0));
  // Of few numbers none may be left.
  const along = part.some((g) => g !== 0) ? part : gradient.data;
  const expected = Math.sqrt(along.reduce((sum, v) => sum + v * v, 0));
  if (expected === 0) return "zero";
  const largest = z.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const steep = slopeOf(z.data, truth);
  let best: number | "flat" = "flat";
  for (const step of STEPS) {
    const size = step * (high - low);
    if ((ROUNDING * largest * steep) / size > BLUR * expected) continue;
    const lossAt = async (sign: number) => {
      const moved = x.data.map(
        (v, i) => v + (sign * size * along[i]!) / expected,
      );
      const said = await answers({ ...x, data: moved }, [noise.fork(0)]);
      const row = targets
        ? said.logits
        : asAttacked(said, model.detectors, [truth.label]);
      return lossOf(row.data, truth);
    };
    const slope = ((await lossAt(1)) - (await lossAt(-1))) / (2 * size);
    if (Number.isNaN(slope)) return slope;
    const error = Math.abs(slope - expected) / expected;
    best = best === "flat" ? error : Math.min(best, error);
    if (best < GOOD) return best;
  }
  // A Sigmoid inside is as exact as numbers of 1 are, however small what it says.
  const widest = Math.max(...STEPS) * (high - low);
  return (ROUNDING * steep) / widest > BLUR * expected ? "flat" : best;
}

/** A text model around the embeddings of a text of random tokens. */
async function aroundRandomText(model: Model, engine: Engine): Promise<Model> {
  const { graph, embedding = "" } = model;
  const ids = randomSamples(model, 1, new Random("random text"));
  const outputs = [new GraphBuilder(graph).info(embedding)];
  const session = await engine.load(prune({ ...graph, outputs }));
  const seen = await session.run({ [model.input]: ids });
  await session.release();
  const vectors = (seen[embedding] as FloatTensor).data;
  const largest = vectors.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return atEmbedding(model, ids, largest);
}
