import { AssayError, type Random } from "#core";
import type { Engine } from "#engine";
import {
  byParts,
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  int,
  sizeOf,
} from "#onnx";

/**
 * With each, what a direction still has of the next one shrinks by the ratio of
 * their variances.
 */
const ROUNDS = 40;

/** The most numbers of a sample, whose covariance takes 1 GiB. */
const WIDEST = 2 ** 14;

/** The mean of rows, and the directions in which they vary most. */
export interface Principal {
  /** [width] */
  readonly mean: FloatTensor;
  /** Orthonormal rows [count, width], the one of most variance first. */
  readonly directions: FloatTensor;
}

/**
 * The first principal directions of rows [N, width], by orthogonal iteration
 * (Golub and Van Loan 2013, section 8.2.4) on the covariance from random directions.
 */
export async function principal(
  x: FloatTensor,
  count: number,
  engine: Engine,
  random: Random,
): Promise<Principal> {
  const [n = 0, ...shape] = x.dims;
  const width = sizeOf(shape);
  if (width > WIDEST)
    throw new AssayError(
      "DATA_TOO_LARGE",
      `principal directions of samples of ${width} numbers need ${width} x ${width} at once, expected at most ${WIDEST} numbers a sample`,
      "Use smaller samples, or leave out what needs their principal directions.",
    );
  const mean = new Float32Array(width);
  for (const { data } of byParts(x))
    for (let i = 0; i < data.length; i++) mean[i % width]! += data[i]! / n;
  const covariance = await covarianceOf(x, mean, engine);
  const start = Float32Array.from({ length: count * width }, () =>
    random.normal(),
  );
  const round = await openProduct(engine, covariance);
  // Columns of the basis are kept as rows. The covariance is symmetric.
  let basis = orthonormal(floats([count, width], start));
  for (let k = 0; k < ROUNDS; k++) basis = orthonormal(await round.of(basis));
  await round.release();
  return { mean: floats([width], mean), directions: basis };
}

/** The sum of the squares of rows without their mean, [width, width]. */
async function covarianceOf(
  x: FloatTensor,
  mean: Float32Array,
  engine: Engine,
): Promise<FloatTensor> {
  const width = mean.length;
  let sum: FloatTensor | undefined;
  for (const { data } of byParts(x)) {
    const centred = floats(
      [data.length / width, width],
      data.map((v, i) => v - mean[i % width]!),
    );
    const square = await openProduct(engine, centred, true);
    const part = await square.of(centred);
    await square.release();
    const before = sum?.data;
    sum = before
      ? floats(
          part.dims,
          part.data.map((v, i) => v + before[i]!),
        )
      : part;
  }
  return sum ?? floats([width, width], new Float32Array(width * width));
}

/** Rows [N, width] along each of the directions, [N, count]. */
export function coordinates(
  x: FloatTensor,
  { mean, directions }: Principal,
): FloatTensor {
  const [count = 0, width = 0] = directions.dims;
  const n = x.data.length / width;
  const out = floats([n, count], new Float32Array(n * count));
  for (let i = 0; i < n; i++)
    for (let d = 0; d < count; d++) {
      let sum = 0;
      for (let k = 0; k < width; k++)
        sum +=
          (x.data[i * width + k]! - mean.data[k]!) *
          directions.data[d * width + k]!;
      out.data[i * count + d] = sum;
    }
  return out;
}

/** Makes a b ready, or the transpose of a times b. */
async function openProduct(
  engine: Engine,
  right: FloatTensor,
  transposed = false,
) {
  const b = new GraphBuilder(emptyGraph("product"));
  b.input({ name: "a", type: "float32", dims: ["rows", "columns"] });
  const transA = int(transposed ? 1 : 0);
  const out = b.op("Gemm", ["a", b.constant(right)], { transA });
  const session = await engine.load(b.build([out]));
  return {
    of: async (a: FloatTensor) =>
      (await session.run({ a }))[out] as FloatTensor,
    release: () => session.release(),
  };
}

/**
 * Rows made orthonormal, the first first, by Gram and Schmidt twice over: once leaves
 * rounding behind.
 */
function orthonormal({ dims, data }: FloatTensor): FloatTensor {
  const [count = 0, width = 0] = dims;
  const row = (k: number) => kept.subarray(k * width, (k + 1) * width);
  const kept = Float64Array.from(data);
  for (let k = 0; k < count; k++) {
    const own = row(k);
    for (let j = 0; j < 2 * k; j++) {
      const other = row(j % k);
      const share = own.reduce((sum, v, i) => sum + v * other[i]!, 0);
      for (let i = 0; i < width; i++) own[i]! -= share * other[i]!;
    }
    const length = Math.sqrt(own.reduce((sum, v) => sum + v * v, 0)) || 1;
    for (let i = 0; i < width; i++) own[i]! /= length;
  }
  return floats(dims, Float32Array.from(kept));
}
