import { UsageError } from "#core";
import { type Dim, type Graph, type GraphBuilder, int, shapeText } from "#onnx";
import { comesFrom, makersOf } from "../ancestry.ts";

/**
 * How features at places become one row for each sample: their mean over pixels
 * ("average") or over tokens ("mean", without padding), or those of the first token
 * ("cls").
 */
export const pools = ["average", "cls", "mean"] as const;

export type Pool = (typeof pools)[number];

/**
 * Why an output holds features for a head to come rather than answers, as half a
 * sentence; undefined where nothing says so. A bare backbone or encoder is told by
 * the name of its output, an embedding also by its length of 1, and by lying in
 * another axis than classes do.
 */
export function featuresBy(
  graph: Graph,
  b: GraphBuilder,
  output: string,
): string | undefined {
  const dims = b.dims(output);
  if (/embed|feature|hidden|pooler|representation/i.test(output))
    return `it is called "${output}"`;
  if (isNormalised(graph, output)) return "each row has a length of 1";
  const [, channels, ...rest] = dims ?? [];
  const along = rest.filter((d) => d !== 1).length;
  return channels === 1 && along === 1 && rest.length > 1
    ? `its numbers lie along the last of the axes ${shapeText(dims)}`
    : undefined;
}

/** Whether a value is divided by its own length in the end. */
function isNormalised(graph: Graph, output: string): boolean {
  const makers = makersOf(graph);
  let node = makers.get(output);
  while (
    node?.domain === "" &&
    /^(Identity|Reshape|Squeeze|Cast)$/.test(node.op)
  )
    node = makers.get(node.inputs[0] ?? "");
  if (node?.op === "LpNormalization") return true;
  const [a = "", b = ""] = node?.inputs ?? [];
  const measures = ({ op }: { op: string }) =>
    op === "ReduceL2" || op === "ReduceSumSquare" || op === "Sqrt";
  const isLength = (length: string, whole: string) =>
    comesFrom(length, whole, makers, measures);
  // 1 over a length, as `rsqrt` becomes.
  const under = (value: string): string => {
    const { op, inputs = [] } = makers.get(value) ?? {};
    if (op === "Reciprocal") return inputs[0] ?? "";
    const isOver = op === "Div" && graph.constants.has(inputs[0] ?? "");
    return isOver ? (inputs[1] ?? "") : "";
  };
  return node?.op === "Mul"
    ? isLength(under(b), a) || isLength(under(a), b)
    : node?.op === "Div" && isLength(b, a);
}

interface Pooling {
  readonly pool?: Pool;
  /** Token ids, where the model is one of text. */
  readonly ids?: string;
  /** The token that fills up short texts. */
  readonly padding: number;
  readonly file: string;
}

/**
 * Features [N, width] of an output, as `pool` says where they are of places.
 *
 * @throws POOL when they cannot be pooled so
 */
export function pooled(
  b: GraphBuilder,
  output: string,
  { pool, ids, padding, file }: Pooling,
): string {
  const dims = b.dims(output);
  const long = dims?.slice(1).filter((d) => d !== 1) ?? [];
  const [only] = long;
  if (dims && long.length === 1 && typeof only === "number")
    return dims.length === 2 ? output : b.reshape(output, [-1, only]);
  if (dims?.length === 4 && (pool === "average" || pool === "mean"))
    return average(b, output, isChannelsLast(dims) ? [1, 2] : [2, 3]);
  if (dims?.length === 3 && pool === "cls")
    return b.op("Gather", [output, b.constant(first)], { axis: int(1) });
  if (dims?.length === 3 && pool === "average") return average(b, output, [1]);
  if (dims?.length === 3 && pool === "mean")
    return ids
      ? meanOfTokens(b, output, ids, padding)
      : average(b, output, [1]);
  throw new UsageError(
    "POOL",
    `${file}: output "${output}" gives features ${shapeText(dims)}, ${pool ? `which pool: ${pool} is not for` : "a row for each place"}`,
    "State pool: average for maps [batch, channels, height, width], or cls or mean for tokens [batch, tokens, width].",
  );
}

const first = { type: "int64", dims: [], data: BigInt64Array.of(0n) } as const;

const average = (b: GraphBuilder, x: string, axes: readonly number[]) =>
  b.op("ReduceMean", [x, b.ints(axes)], { keepdims: int(0) });

/** Maps of TensorFlow have as many rows as columns in front of their channels. */
const isChannelsLast = ([, height, width, depth]: readonly Dim[]) =>
  height === width && width !== depth;

/** The mean over the tokens that are no padding. */
function meanOfTokens(
  b: GraphBuilder,
  x: string,
  ids: string,
  padding: number,
): string {
  const real = b.op("Not", [b.equal(ids, padding)]);
  const mask = b.unsqueeze(b.cast(real, "float32"), [2]);
  const sum = b.reduceSum(b.mul(x, mask), [1]);
  return b.div(sum, b.op("Max", [b.reduceSum(mask, [1]), b.scalar(1)]));
}
