import { Random } from "#core";
import type { Engine } from "#engine";
import { type FloatTensor, floats, GraphBuilder, prune, sizeOf } from "#onnx";
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
 * The same of a model with so many weights. Each pass takes long there, and each point
 * meets every branch of an operator: it has a million numbers inside.
 */
const FEW = 3;
const LARGE = 2 ** 24;

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
  const points = weightsOf(model) > LARGE ? FEW : POINTS;
  const x = randomSamples(model, points, random) as FloatTensor;
  const within = async <T>(act: (compiled: CompiledModel) => Promise<T>) => {
    const compiled = await compile(model, engine, { isBrief: true });
    try {
      return await act(compiled);
    } finally {
      await compiled.release();
    }
  };
  const { targets: needed, missed } = meaningOf(model);
  const outputs = needed
    ? rowsOf(await within((compiled) => compiled.logits(x)))
    : [];
  const asked: Asked = {
    x,
    truths: Array.from({ length: points }, (_, p): Truth => {
      const row = outputs[p];
      return row
        ? { label: 0, targets: missed(row) }
        : { label: random.below(model.classes.length) };
    }),
    randoms: Array.from({ length: points }, (_, p) => random.fork(p)),
    noises: Array.from({ length: points }, (_, p) => random.fork(`draws ${p}`)),
  };
  // One after the other, so that a large model is there once.
  const slopes = await within((compiled) => slopesOf(compiled, asked));
  const errors = await within((compiled) => errorsOf(compiled, asked, slopes));
  const count = (kind: string) => errors.filter((e) => e === kind).length;
  const zeroAt = count("zero");
  const maxRelativeError = errors.reduce<number>(
    (most, e) => (typeof e === "number" ? Math.max(most, e) : most),
    0,
  );
  const agrees = zeroAt < points && maxRelativeError < AGREES;
  return { maxRelativeError, points, zeroAt, flatAt: count("flat"), agrees };
}

/** Numbers in all weights. */
const weightsOf = ({ graph }: Model): number =>
  [...graph.constants.values()].reduce((sum, t) => sum + sizeOf(t.dims), 0);

/** The rows of a matrix. */
function rowsOf({ data, dims }: FloatTensor): Float32Array[] {
  const n = dims[0] ?? 0;
  const width = data.length / n;
  return Array.from({ length: n }, (_, i) =>
    data.subarray(i * width, (i + 1) * width),
  );
}

/** What differences along a part of the gradient at a point are to come to. */
interface Slope {
  readonly row: number;
  /** Of length 1. */
  readonly along: Float32Array;
  /** The slope along it, by the gradient. */
  readonly expected: number;
  /** The largest slope of the loss by an output. */
  readonly steep: number;
  /** The largest output. */
  readonly largest: number;
}

/** What a point has instead of a slope: none, or no number. */
type NoSlope = "zero" | number;

/** Points at which a gradient is compared. */
interface Asked {
  /** [N, ...shape] */
  readonly x: FloatTensor;
  /** The class of each, or its targets. */
  readonly truths: readonly Truth[];
  /** What each draws its direction from. */
  readonly randoms: readonly Random[];
  /** What the model draws from at each, alike at every step. */
  readonly noises: readonly Random[];
}

/**
 * The relative errors of the loss gradient at some points against central
 * differences along a part of it, for the best of several steps. NaN where the
 * gradient or the loss is no number, "zero" where the gradient is, "flat" where
 * differences would be rounding alone. All points go through the model together.
 *
 * @param x samples [N, ...shape]
 * @param truths the class of each, or its targets
 * @param randoms what each point draws from
 */
export async function gradientErrors(
  compiled: CompiledModel,
  x: FloatTensor,
  truths: readonly Truth[],
  randoms: readonly Random[],
): Promise<(number | "zero" | "flat")[]> {
  const noises = randoms.map((random) => random.fork("draws"));
  const asked = { x, truths, randoms, noises };
  return errorsOf(compiled, asked, await slopesOf(compiled, asked));
}

/** The slopes by the gradient, and their directions; of a point without one, why. */
async function slopesOf(
  { model, lossGradient }: CompiledModel,
  { x, truths, randoms, noises }: Asked,
): Promise<(Slope | NoSlope)[]> {
  const wanted = truths.flatMap(({ targets }) => (targets ? [targets] : []));
  const targets =
    wanted.length > 0
      ? floats(
          [wanted.length, wanted[0]!.length],
          wanted.flatMap((row) => [...row]),
        )
      : undefined;
  const seen = await lossGradient(
    x,
    truths.map(({ label }) => label),
    { targets },
    noises.map((noise) => noise.fork(0)),
  );
  const outputs = rowsOf(seen.logits);
  return rowsOf(seen.gradient).map((gradient, row) => {
    if (seen.notFinite.includes(row)) return Number.NaN;
    // Along a part of the gradient itself: the derivative is a sum of squares,
    // far from rounding.
    const random = randoms[row]!;
    const part = gradient.map((g) => (random.uniform() < 0.5 ? g : 0));
    // Of few numbers none may be left.
    const along = part.some((g) => g !== 0) ? part : gradient;
    const expected = Math.sqrt(along.reduce((sum, v) => sum + v * v, 0));
    if (expected === 0) return "zero";
    const z = outputs[row]!;
    return {
      ...{ row, expected },
      along: along.map((v) => v / expected),
      largest: z.reduce((most, v) => Math.max(most, Math.abs(v)), 0),
      steep: meaningOf(model).slopeOf(z, truths[row]!),
    };
  });
}

/** How far slopes are from differences, by the best of several steps. */
async function errorsOf(
  compiled: CompiledModel,
  asked: Asked,
  slopes: readonly (Slope | NoSlope)[],
): Promise<(number | "zero" | "flat")[]> {
  const [low, high] = compiled.model.contract.bounds;
  const best: (number | "zero" | "flat")[] = slopes.map((slope) =>
    typeof slope === "object" ? "flat" : slope,
  );
  let open = slopes.filter((slope) => typeof slope === "object");
  for (const step of STEPS) {
    const size = step * (high - low);
    const told = open.filter(
      ({ largest, steep, expected }) =>
        (ROUNDING * largest * steep) / size <= BLUR * expected,
    );
    if (told.length === 0) continue;
    const found = await differences(compiled, asked, told, size);
    told.forEach(({ row, expected }, i) => {
      const error = Math.abs(found[i]! - expected) / expected;
      const before = best[row]!;
      best[row] = typeof before === "number" ? Math.min(before, error) : error;
    });
    open = open.filter(({ row }) => {
      const error = best[row]!;
      return typeof error !== "number" || error >= GOOD;
    });
  }
  // A Sigmoid inside is as exact as numbers of 1 are, however small what it says.
  const widest = Math.max(...STEPS) * (high - low);
  for (const { row, steep, expected } of open)
    if ((ROUNDING * steep) / widest > BLUR * expected) best[row] = "flat";
  return best;
}

/** Central differences of the loss at some points along their directions. */
async function differences(
  { model, answers }: CompiledModel,
  { x, truths, noises }: Asked,
  points: readonly Slope[],
  size: number,
): Promise<number[]> {
  const { lossOf } = meaningOf(model);
  const places = rowsOf(x);
  const width = places[0]!.length;
  const moved = floats(
    [2 * points.length, ...x.dims.slice(1)],
    new Float32Array(2 * points.length * width),
  );
  points.forEach(({ row, along }, i) => {
    const place = places[row]!;
    for (const [side, sign] of [1, -1].entries())
      for (let k = 0; k < width; k++)
        moved.data[(2 * i + side) * width + k] =
          place[k]! + sign * size * along[k]!;
  });
  const twice = points.flatMap(({ row }) => [row, row]);
  const said = await answers(
    moved,
    twice.map((row) => noises[row]!.fork(0)),
  );
  const labels = twice.map((row) => truths[row]!.label);
  const outputs = rowsOf(
    meaningOf(model).targets
      ? said.logits
      : asAttacked(said, model.detectors, labels),
  );
  const losses = twice.map((row, i) => lossOf(outputs[i]!, truths[row]!));
  return points.map(
    (_, i) => (losses[2 * i]! - losses[2 * i + 1]!) / (2 * size),
  );
}

/** A text model around the embeddings of a text of random tokens. */
async function aroundRandomText(model: Model, engine: Engine): Promise<Model> {
  const { graph, embedding = "" } = model;
  const ids = randomSamples(model, 1, new Random("random text"));
  const outputs = [new GraphBuilder(graph).info(embedding)];
  const session = await engine.load(prune({ ...graph, outputs }), {
    isBrief: true,
  });
  const seen = await session.run({ [model.input]: ids });
  await session.release();
  const vectors = (seen[embedding] as FloatTensor).data;
  const largest = vectors.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return atEmbedding(model, ids, largest);
}
