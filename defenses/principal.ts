import type { Random } from "#core";
import type { Engine } from "#engine";
import { emptyGraph, type FloatTensor, floats, GraphBuilder, int } from "#onnx";

/**
 * With each, what a direction still has of the next one shrinks by the ratio of
 * their variances.
 */
const ROUNDS = 40;

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
  const [n = 0] = x.dims;
  const width = x.data.length / n;
  const mean = new Float32Array(width);
  for (let i = 0; i < x.data.length; i++) mean[i % width]! += x.data[i]! / n;
  const centred = floats(
    [n, width],
    x.data.map((v, i) => v - mean[i % width]!),
  );
  const square = await openProduct(engine, centred, true);
  const covariance = await square.of(centred);
  await square.release();
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
