import type { GraphBuilder } from "../builder.ts";
import { attribute, int, type Node } from "../graph.ts";
import { rotate } from "./attention.ts";
import {
  cannotExpand,
  type ExpandContext,
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

const refuse = (node: Node, what: string) =>
  cannotExpand(
    node,
    what,
    "Export the model without ONNX Runtime's optimisations, for a fixed sequence length and without a cache.",
  );

/** The length of a sequence [batch, length, …] or [batch, heads, length, …]. */
function lengthOf(b: GraphBuilder, node: Node, x: string): number {
  const dims = b.rankedDims(x);
  const length = dims.at(-2);
  if (typeof length !== "number")
    throw refuse(node, "the length of its sequence is not known");
  return length;
}

/** Whether an input stands for something: a cache of length 0 holds nothing. */
function holds(b: GraphBuilder, cache: string | undefined): boolean {
  return Boolean(cache) && b.rankedDims(cache as string).at(-2) !== 0;
}

/**
 * A mask of keys [batch, keys] of ones and zeros (or of [batch] lengths) as a bias
 * [batch, 1, 1, keys].
 */
function paddingBias(
  { b, node }: ExpandContext,
  mask: string,
  keys: number,
  hidden: number,
): string {
  const dims = b.rankedDims(mask);
  if (dims.length === 1) {
    const places = b.ints(Array.from({ length: keys }, (_, i) => i));
    const ends = b.unsqueeze(b.cast(mask, "int64"), [1]);
    const beyond = b.mask(b.atLeast(places, ends), b.scalar(0));
    return b.unsqueeze(b.mul(beyond, hidden), [1, 2]);
  }
  const away = b.mul(b.sub(1, b.cast(mask, "float32")), hidden);
  if (dims.length === 2) return b.unsqueeze(away, [1, 2]);
  if (dims.length === 3) return b.unsqueeze(away, [1]);
  throw refuse(node, `its mask has ${dims.length} dimensions`);
}

/** Attention with its projections: com.microsoft.Attention. */
const projected: Expansion = (context) => {
  const { b, node, inputs } = context;
  const [x = "", weights = "", bias, mask, past, added] = inputs;
  if (past) throw refuse(node, "it has a cache");
  if (attribute(node, "do_rotary", "int", 0) === 1)
    throw refuse(node, "it rotates its heads");
  const heads = attribute(node, "num_heads", "int", 1);
  const columns = b.rankedDims(weights).at(-1);
  if (typeof columns !== "number")
    throw refuse(node, "the size of its weights is not known");
  const widths =
    attribute(node, "qkv_hidden_sizes", "ints", undefined) ??
    new Array<number>(3).fill(columns / 3);
  const product = b.matmul(x, weights);
  const [q = "", k = "", v = ""] = b
    .many(
      "Split",
      [bias ? b.add(product, bias) : product, b.ints(widths)],
      { axis: int(-1) },
      3,
    )
    .map((part) => splitHeads(b, part, heads));
  const length = lengthOf(b, node, x);
  const hidden = attribute(node, "mask_filter_value", "float", -10000);
  const causal = attribute(node, "unidirectional", "int", 0) === 1;
  const { mixed } = scaledDotProduct(b, {
    q,
    k,
    v,
    scale: scaleOf(node, widths[0]! / heads),
    biases: [
      ...(mask ? [paddingBias(context, mask, length, hidden)] : []),
      ...(causal ? [causalBias(b, length, length)] : []),
      ...(added ? [added] : []),
    ],
  });
  return [joinHeads(b, mixed)];
};

const scaleOf = (node: Node, width: number) =>
  attribute(node, "scale", "float", 0) || 1 / Math.sqrt(width);

/**
 * Attention over queries, keys and values that are projected already:
 * com.microsoft.MultiHeadAttention.
 */
const multiHead: Expansion = (context) => {
  const { b, node, inputs } = context;
  const [query = "", key, value, bias, mask, added, pastKey, pastValue] =
    inputs;
  if (holds(b, pastKey) || holds(b, pastValue))
    throw refuse(node, "it has a cache");
  const heads = attribute(node, "num_heads", "int", 1);
  if (!key || !value || b.rankedDims(query).length === 5)
    throw refuse(node, "its queries, keys and values are packed together");
  const parts = [query, key, value];
  const widths = parts.map((part) => b.rankedDims(part).at(-1));
  let from = 0;
  const [q = "", k = "", v = ""] = parts.map((part, i) => {
    const isApart = b.rankedDims(part).length === 4;
    if (!bias) return isApart ? part : splitHeads(b, part, heads);
    const width = Number(widths[i]) * (isApart ? heads : 1);
    const own = b.slice(bias, [from], [from + width], [0]);
    from += width;
    return isApart
      ? b.add(part, b.reshape(own, [1, heads, 1, Number(widths[i])]))
      : splitHeads(b, b.add(part, own), heads);
  });
  const keys = lengthOf(b, node, k);
  const queries = lengthOf(b, node, q);
  const width = b.rankedDims(q).at(-1) ?? Number(widths[0]) / heads;
  const hidden = attribute(node, "mask_filter_value", "float", -10000);
  const causal = attribute(node, "unidirectional", "int", 0) === 1;
  const { mixed } = scaledDotProduct(b, {
    q,
    k,
    v,
    scale: scaleOf(node, Number(width)),
    biases: [
      ...(mask ? [paddingBias(context, mask, keys, hidden)] : []),
      ...(causal ? [causalBias(b, queries, keys)] : []),
      ...(added ? [added] : []),
    ],
  });
  return [joinHeads(b, mixed), k, v];
};

/**
 * Causal attention in which several query heads share keys and values:
 * com.microsoft.GroupQueryAttention, without a cache.
 */
const groupQuery: Expansion = (context) => {
  const { b, node, inputs } = context;
  const [query = "", key, value, pastKey, pastValue] = inputs;
  const [cos, sin, positions, added] = inputs.slice(7);
  if (holds(b, pastKey) || holds(b, pastValue))
    throw refuse(node, "it has a cache");
  if (attribute(node, "smooth_softmax", "int", 0) === 1 || inputs[11])
    throw refuse(node, "its softmax is smoothed");
  const heads = attribute(node, "num_heads", "int", 1);
  const keyHeads = attribute(node, "kv_num_heads", "int", 1);
  const length = lengthOf(b, node, query);
  const whole = b.rankedDims(query).at(-1);
  if (typeof whole !== "number")
    throw refuse(node, "the width of its heads is not known");
  const width = whole / (key ? heads : heads + 2 * keyHeads);
  const parts = key
    ? [query, key, value ?? ""]
    : b.many(
        "Split",
        [query, b.ints([heads, keyHeads, keyHeads].map((n) => n * width))],
        { axis: int(-1) },
        3,
      );
  const counts = [heads, keyHeads, keyHeads];
  let [q = "", k = "", v = ""] = parts.map((part, i) =>
    splitHeads(b, part, counts[i]!),
  );
  if (attribute(node, "do_rotary", "int", 0) === 1) {
    const places = positions || b.ints(Array.from({ length }, (_, i) => i));
    const isOne = b.rankedDims(places).length === 1;
    const rows = (table = "") =>
      b.unsqueeze(b.op("Gather", [table, places]), isOne ? [0, 1] : [1]);
    const angles = {
      cos: rows(cos),
      sin: rows(sin),
      interleaved: attribute(node, "rotary_interleaved", "int", 0) === 1,
    };
    q = rotate(b, q, angles);
    k = rotate(b, k, angles);
  }
  const window = attribute(node, "local_window_size", "int", -1);
  const { mixed } = scaledDotProduct(b, {
    q,
    k: repeatHeads(b, k, keyHeads, heads / keyHeads),
    v: repeatHeads(b, v, keyHeads, heads / keyHeads),
    scale: scaleOf(node, width),
    softcap: attribute(node, "softcap", "float", 0),
    biases: [
      causalBias(b, length, length, window > 0 ? { window } : {}),
      ...(added ? [added] : []),
    ],
  });
  return [joinHeads(b, mixed), k, v];
};

export const contribAttentions: ExpansionTable = {
  "com.microsoft.Attention": projected,
  "com.microsoft.MultiHeadAttention": multiHead,
  "com.microsoft.GroupQueryAttention": groupQuery,
};
