import type { GraphBuilder } from "../builder.ts";
import { floats } from "../tensor.ts";

/** The parts of attention, heads apart. */
export interface HeadsInput {
  /** [batch, heads, queries, width] */
  readonly q: string;
  /** [batch, heads, keys, width] */
  readonly k: string;
  /** [batch, heads, keys, width of values] */
  readonly v: string;
  /** What products of queries and keys are multiplied by. */
  readonly scale: number;
  /** Added to the scores, broadcast to [batch, heads, queries, keys]. */
  readonly biases: readonly string[];
  /** Limits scores by tanh to this; none when 0. */
  readonly softcap?: number;
}

/**
 * Attention (Vaswani et al. 2017, arXiv:1706.03762): the mixed values [batch, heads,
 * queries, width of values], and the scores on the way.
 */
export function scaledDotProduct(
  b: GraphBuilder,
  { q, k, v, scale, biases, softcap = 0 }: HeadsInput,
): {
  mixed: string;
  raw: string;
  capped: string;
  masked: string;
  shares: string;
} {
  const raw = b.matmul(b.mul(q, scale), b.transposeLast(k));
  const capped = softcap
    ? b.mul(b.op("Tanh", [b.div(raw, softcap)]), softcap)
    : raw;
  const masked = biases.reduce((sum, bias) => b.add(sum, bias), capped);
  const shares = b.op("Softmax", [masked], {
    axis: { kind: "int", value: -1 },
  });
  return { mixed: b.matmul(shares, v), raw, capped, masked, shares };
}

/**
 * A bias [queries, keys] that hides the future, and what lies further back
 * than a window: query i sees key j when i + past - window < j <= i + past.
 *
 * @param hidden what is added at hidden places
 */
export function causalBias(
  b: GraphBuilder,
  queries: number,
  keys: number,
  { past = 0, window = Number.POSITIVE_INFINITY, hidden = -1e9 } = {},
): string {
  const bias = new Float32Array(queries * keys);
  for (let i = 0; i < queries; i++) {
    for (let j = 0; j < keys; j++) {
      const seen = j <= i + past && j > i + past - window;
      if (!seen) bias[i * keys + j] = hidden;
    }
  }
  return b.constant(floats([queries, keys], bias));
}

/** [batch, length, heads * width] as [batch, heads, length, width]. */
export const splitHeads = (b: GraphBuilder, x: string, heads: number) =>
  b.transpose(b.reshape(x, [0, 0, heads, -1]), [0, 2, 1, 3]);

/** The other way round. */
export const joinHeads = (b: GraphBuilder, x: string) =>
  b.reshape(b.transpose(x, [0, 2, 1, 3]), [0, 0, -1]);

/** Heads of keys or values, each repeated for the query heads that share it. */
export function repeatHeads(
  b: GraphBuilder,
  x: string,
  heads: number,
  times: number,
): string {
  if (times === 1) return x;
  const [, , length = null, width = null] = b.rankedDims(x);
  const apart = b.unsqueeze(x, [2]);
  const repeated = b.concat(new Array<string>(times).fill(apart), 2);
  return typeof length === "number" && typeof width === "number"
    ? b.reshape(repeated, [0, heads * times, length, width])
    : b.reshape(
        repeated,
        b.concat(
          [b.ints([0, heads * times]), b.slice(b.shapeOf(x), [2], [4], [0])],
          0,
        ),
      );
}
