import { arrayTypes, type Graph, type Node, sizeOf, type Tensor } from "#onnx";

/** How the weights lie in the file. */
export interface Stored {
  /** Of all constants. */
  readonly bytes: number;
  /** Types of half or double precision, which are computed in float32. */
  readonly widened: readonly string[];
  /** Numbers in weights of eight bits, which are not trained. */
  readonly eightBits: number;
  /** Matrices that hold the same numbers, as they are or transposed. */
  readonly copies: readonly (readonly [string, string])[];
}

/**
 * @param source the graph as it is in the file
 * @param graph the same, normalised
 */
export function storedIn(source: Graph, graph: Graph): Stored {
  const constants = [
    ...source.constants.values(),
    ...source.nodes.flatMap((n) =>
      Object.values(n.attributes).flatMap((a) =>
        a.kind === "tensor" ? a.value : [],
      ),
    ),
  ];
  return {
    bytes: constants.reduce((sum, t) => sum + bytesOf(t), 0),
    widened: [
      ...new Set(constants.map((t) => t.type).filter((t) => others.has(t))),
    ],
    eightBits: eightBitWeights(graph),
    copies: copiesIn(graph),
  };
}

const others: ReadonlySet<string> = new Set(["float16", "bfloat16", "float64"]);

export const bytesOf = ({ type, dims }: Pick<Tensor, "type" | "dims">) =>
  type === "string" ? 0 : sizeOf(dims) * arrayTypes[type].BYTES_PER_ELEMENT;

/** Where operators of integers hold their weights. */
const integerSlots: Readonly<Record<string, number>> = {
  ConvInteger: 1,
  DequantizeLinear: 0,
  Gather: 0,
  MatMulInteger: 1,
  QLinearConv: 3,
  QLinearMatMul: 3,
};

/** Numbers in the constants of eight bits that stand for weights. */
function eightBitWeights(graph: Graph): number {
  const slotOf = (node: Node) =>
    Object.hasOwn(integerSlots, node.op) ? integerSlots[node.op] : undefined;
  const names = graph.nodes.flatMap((n) => {
    const slot = slotOf(n);
    return slot === undefined ? [] : [n.inputs[slot] ?? ""];
  });
  return [...new Set(names)].reduce((sum, name) => {
    const t = graph.constants.get(name);
    const isWeight = t && /^u?int8$/.test(t.type) && sizeOf(t.dims) > 1;
    return isWeight ? sum + sizeOf(t.dims) : sum;
  }, 0);
}

/** Fewer numbers than these may be equal by chance. */
const LEAST = 16;

/**
 * Pairs of matrices of floats that are equal, as they are or transposed: a weight of
 * two layers, written down twice.
 */
function copiesIn(graph: Graph): [string, string][] {
  const bySign = new Map<string, [string, Tensor<"float32">][]>();
  for (const [name, t] of graph.constants) {
    if (t.type !== "float32" || t.dims.length !== 2) continue;
    const matrix = t as Tensor<"float32">;
    const { data } = matrix;
    if (data.length < LEAST || data.every((v) => v === data[0])) continue;
    // The first and the last number are the same in the transpose.
    const sign = `${data.length} ${data[0]} ${data.at(-1)}`;
    bySign.set(sign, [...(bySign.get(sign) ?? []), [name, matrix]]);
  }
  return [...bySign.values()].flatMap((alike) =>
    alike.flatMap(([name, t], i) =>
      alike
        .slice(i + 1)
        .filter(([, other]) => isCopy(t, other))
        .map(([other]): [string, string] => [name, other]),
    ),
  );
}

function isCopy(x: Tensor<"float32">, y: Tensor<"float32">): boolean {
  const [rows = 0, columns = 0] = x.dims;
  const [first = 0, second = 0] = y.dims;
  // A tensor that is left in its file looks for its data at each question.
  const [xs, ys] = [x.data, y.data];
  if (rows === first && columns === second)
    if (xs.every((v, i) => v === ys[i])) return true;
  if (rows !== second || columns !== first) return false;
  return xs.every(
    (v, i) => v === ys[(i % columns) * rows + Math.floor(i / columns)],
  );
}
