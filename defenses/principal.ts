import type { Random } from "#core";
import type { Engine } from "#engine";
import { emptyGraph, type FloatTensor, floats, GraphBuilder, int } from "#onnx";

/** Directions beyond those that are wanted, and rounds: both make the last ones exact enough (Halko et al. 2011). */
const SPARE = 10;
const ROUNDS = 40;

/** The mean of rows, and the directions in which they vary most. */
export interface Principal {
  /** [width] */
  readonly mean: FloatTensor;
  /** Orthonormal rows [count, width]; they span the space, in no order. */
  readonly directions: FloatTensor;
}

/**
 * The first principal directions of rows [N, width], by subspace iteration
 * from random directions (Halko et al. 2011, arXiv:0909.4061, algorithm 4.4, on the
 * covariance).
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
  for (let i = 0; i < x.data.length; i++)
    (mean[i % width] as number) += (x.data[i] as number) / n;
  const centred = floats(
    [n, width],
    x.data.map((v, i) => v - (mean[i % width] as number)),
  );
  const covariance = await product(engine, centred, centred, true);
  const tries = Math.min(width, count + SPARE);
  // Columns of the basis are kept as rows; the covariance is symmetric.
  let basis = orthonormal(
    floats(
      [tries, width],
      Float32Array.from({ length: tries * width }, () => random.normal()),
    ),
  );
  for (let round = 0; round < ROUNDS; round++)
    basis = orthonormal(await product(engine, basis, covariance, false));
  return {
    mean: floats([width], mean),
    directions: floats([count, width], basis.data.slice(0, count * width)),
  };
}

/** a b, or the transpose of a times b. */
async function product(
  engine: Engine,
  a: FloatTensor,
  b: FloatTensor,
  transposed: boolean,
): Promise<FloatTensor> {
  const g = new GraphBuilder(emptyGraph("product"));
  for (const [name, { dims }] of Object.entries({ a, b }))
    g.input({ name, type: "float32", dims });
  const out = g.op("Gemm", ["a", "b"], { transA: int(transposed ? 1 : 0) });
  const session = await engine.load(g.build([out]));
  try {
    return (await session.run({ a, b }))[out] as FloatTensor;
  } finally {
    await session.release();
  }
}

/** Rows made orthonormal, the first first, by Gram and Schmidt twice over: once leaves rounding behind. */
function orthonormal({ dims, data }: FloatTensor): FloatTensor {
  const [count = 0, width = 0] = dims;
  const row = (k: number) => kept.subarray(k * width, (k + 1) * width);
  const kept = Float64Array.from(data);
  for (let k = 0; k < count; k++) {
    const own = row(k);
    for (let j = 0; j < 2 * k; j++) {
      const other = row(j % k);
      const share = own.reduce(
        (sum, v, i) => sum + v * (other[i] as number),
        0,
      );
      for (let i = 0; i < width; i++)
        (own[i] as number) -= share * (other[i] as number);
    }
    const length = Math.sqrt(own.reduce((sum, v) => sum + v * v, 0)) || 1;
    for (let i = 0; i < width; i++) (own[i] as number) /= length;
  }
  return floats(dims, Float32Array.from(kept));
}
