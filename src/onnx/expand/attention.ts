import type { GraphBuilder } from "../builder.ts";
import { attribute, type Node } from "../graph.ts";
import {
  cannotExpand,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";
import {
  causalBias,
  joinHeads,
  repeatHeads,
  scaledDotProduct,
  splitHeads,
} from "./scaled-dot-product.ts";

/** Attention of ONNX opset 23: outputs Y, the keys and values seen, and scores. */
const attention: Expansion = ({ b, node, inputs }) => {
  const [query = "", key = "", value = "", mask, pastKey, pastValue, lengths] =
    inputs;
  if (lengths) throw unknownLengths(node);
  const flat = b.rankedDims(query).length === 3;
  const heads = (x: string, name: string) =>
    flat ? splitHeads(b, x, attribute(node, name, "int", 1)) : x;
  const q = heads(query, "q_num_heads");
  const newK = heads(key, "kv_num_heads");
  const newV = heads(value, "kv_num_heads");
  const presentK = pastKey ? b.concat([pastKey, newK], 2) : newK;
  const presentV = pastValue ? b.concat([pastValue, newV], 2) : newV;
  const [, queryHeads, queries, width] = sizes(b, node, q);
  const [, keyHeads, keys] = sizes(b, node, presentK);
  const times = queryHeads / keyHeads;
  const past = pastKey ? (sizes(b, node, pastKey)[2] as number) : 0;
  const causal = attribute(node, "is_causal", "int", 0) === 1;
  const parts = scaledDotProduct(b, {
    q,
    k: repeatHeads(b, presentK, keyHeads, times),
    v: repeatHeads(b, presentV, keyHeads, times),
    scale: attribute(node, "scale", "float", 1 / Math.sqrt(width)),
    softcap: attribute(node, "softcap", "float", 0),
    biases: [
      ...(mask ? [asBias(b, node, mask, q, keys)] : []),
      ...(causal ? [causalBias(b, queries, keys, { past })] : []),
    ],
  });
  const stage = attribute(node, "qk_matmul_output_mode", "int", 0);
  const { mixed, raw, capped, masked, shares } = parts;
  const scores = [raw, capped, masked, shares][stage];
  return [flat ? joinHeads(b, mixed) : mixed, presentK, presentV, scores];
};

/**
 * A mask as something to add: false hides, numbers are added as they are. Keys that it
 * leaves out are hidden.
 */
function asBias(
  b: GraphBuilder,
  node: Node,
  mask: string,
  like: string,
  keys: number,
): string {
  const added =
    b.type(mask) === "bool"
      ? b.where(mask, b.scalar(0, b.type(like)), b.scalar(-1e9, b.type(like)))
      : mask;
  const dims = b.rankedDims(added);
  const width = dims.at(-1);
  if (typeof width !== "number") throw unknownLengths(node);
  if (width === keys || width === 1) return added;
  const none = dims.map(() => 0);
  const missing = [...none.slice(1), keys - width];
  return b.op("Pad", [
    added,
    b.ints([...none, ...missing]),
    b.scalar(-1e9, b.type(like)),
  ]);
}

/** Dims of which only the first may be open. */
function sizes(b: GraphBuilder, node: Node, x: string) {
  const dims = b.rankedDims(x);
  if (dims.slice(1).some((d) => typeof d !== "number"))
    throw unknownLengths(node);
  return dims as [unknown, number, number, number];
}

const unknownLengths = (node: Node) =>
  cannotExpand(
    node,
    "the lengths of its sequences are not known",
    "Export the model with a fixed sequence length.",
  );

/**
 * Rotation of pairs of features by their position (Su et al. 2021, arXiv:2104.09864).
 */
export function rotate(
  b: GraphBuilder,
  x: string,
  { cos, sin, interleaved }: { cos: string; sin: string; interleaved: boolean },
): string {
  const width = b.rankedDims(x).at(-1);
  const turned = 2 * Number(b.rankedDims(cos).at(-1));
  const last = b.rankedDims(x).length - 1;
  const cut = (from: number, to: number, step = 1) =>
    b.slice(x, [from], [to], [last], [step]);
  const [first, second] = interleaved
    ? [cut(0, turned, 2), cut(1, turned, 2)]
    : [cut(0, turned / 2), cut(turned / 2, turned)];
  const real = b.sub(b.mul(cos, first), b.mul(sin, second));
  const imaginary = b.add(b.mul(sin, first), b.mul(cos, second));
  const back = interleaved
    ? b.reshape(
        b.concat(
          [b.unsqueeze(real, [last + 1]), b.unsqueeze(imaginary, [last + 1])],
          last + 1,
        ),
        b.concat(
          [b.slice(b.shapeOf(x), [0], [last], [0]), b.ints([turned])],
          0,
        ),
      )
    : b.concat([real, imaginary], last);
  return turned === width ? back : b.concat([back, cut(turned, 2 ** 31)], last);
}

/**
 * RotaryEmbedding of ONNX opset 23 and of com.microsoft, which have their inputs
 * in another order.
 */
const rotaryEmbedding =
  (
    order: (inputs: readonly string[]) => readonly (string | undefined)[],
  ): Expansion =>
  ({ b, node, inputs }) => {
    const [x = "", cosTable = "", sinTable = "", positions] = order(inputs);
    const flat = b.rankedDims(x).length === 3;
    const tableWidth = Number(b.rankedDims(cosTable).at(-1));
    const stated = attribute(node, "num_heads", "int", 0);
    // Without a number of heads the tables tell how wide one is.
    const apart = !flat
      ? x
      : stated > 0
        ? splitHeads(b, x, stated)
        : b.transpose(b.reshape(x, [0, 0, -1, 2 * tableWidth]), [0, 2, 1, 3]);
    const pick = (table: string) => {
      const rows = positions ? placed(b, node, table, positions, apart) : table;
      // [batch, length, half] in front of each head.
      return b.unsqueeze(rows, [1]);
    };
    const turned = rotate(b, apart, {
      cos: pick(cosTable),
      sin: pick(sinTable),
      interleaved: attribute(node, "interleaved", "int", 0) === 1,
    });
    return [flat ? joinHeads(b, turned) : turned];
  };

/** Rows of a table at the positions: of each token, or from one offset on. */
function placed(
  b: GraphBuilder,
  node: Node,
  table: string,
  positions: string,
  apart: string,
): string {
  const dims = b.rankedDims(positions);
  if (dims.length === 2) return b.op("Gather", [table, positions]);
  const length = b.rankedDims(apart)[2];
  if (typeof length !== "number") throw unknownLengths(node);
  const steps = b.ints(Array.from({ length }, (_, i) => i));
  const places = b.add(b.cast(b.reshape(positions, [1]), "int64"), steps);
  return b.unsqueeze(b.op("Gather", [table, places]), [0]);
}

export const attentions: ExpansionTable = {
  Attention: attention,
  RotaryEmbedding: rotaryEmbedding((inputs) => inputs),
  "com.microsoft.RotaryEmbedding": rotaryEmbedding(
    ([x, positions, cos, sin]) => [x, cos, sin, positions],
  ),
};
