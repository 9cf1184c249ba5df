import type { Model } from "#model";
import {
  attribute,
  type FloatTensor,
  float,
  floats,
  type Graph,
  type GraphBuilder,
  int,
  ints,
  type Node,
  sizeOf,
  type Tensor,
} from "#onnx";

/** Two thin matrices whose product is added to a weight. */
export interface Factors {
  /** [first dimension of the weight, rank] */
  readonly left: FloatTensor;
  /** [rank, all others] */
  readonly right: FloatTensor;
}

/**
 * Factors of a weight as they begin: the one that reads the layer's input is drawn,
 * the other is zero, so that their product is.
 *
 * @param draw numbers of the first, for so many inputs of the layer
 */
export function factorsOf(
  { graph }: Pick<Model, "graph">,
  weight: string,
  rank: number,
  draw: (size: number, fanIn: number) => Float32Array,
): Factors {
  const { dims } = graph.constants.get(weight) as FloatTensor;
  const [rows, columns] = matrixOf(dims);
  const thin = Math.min(rank, rows, columns);
  const [first, second] = [rows * thin, thin * columns];
  const fromInput = readsInputFirst(graph, weight);
  return {
    left: floats(
      [rows, thin],
      fromInput ? draw(first, rows) : new Float32Array(first),
    ),
    right: floats(
      [thin, columns],
      fromInput ? new Float32Array(second) : draw(second, columns),
    ),
  };
}

/**
 * A constant of two dimensions or more that a layer multiplies by; not a table
 * that is looked up.
 */
export function isMatrix({ graph }: Pick<Model, "graph">, name: string) {
  const { dims } = graph.constants.get(name) as Tensor;
  const [rows, columns] = matrixOf(dims);
  const readers = graph.nodes.filter((n) => n.inputs.includes(name));
  return (
    dims.length >= 2 &&
    rows > 1 &&
    columns > 1 &&
    readers.length > 0 &&
    readers.every((n) =>
      ["MatMul", "Gemm", "Conv", "Transpose", "Reshape"].includes(n.op),
    )
  );
}

/** A weight and its factors, by the names that their values have. */
export interface Adapted {
  readonly weight: string;
  readonly left: string;
  readonly right: string;
  /** What their product is multiplied by. */
  readonly scale: number;
}

/** Adds the layers of a model with the factors of their weights. */
export function addAdapted(
  b: GraphBuilder,
  nodes: readonly Node[],
  adapted: readonly Adapted[],
): void {
  const factors = new Map(adapted.map((f) => [f.weight, f]));
  const sums = new Map<string, string>();
  const sumOf = (own: Adapted) => {
    const { weight } = own;
    const sum = sums.get(weight) ?? adaptedWeight(b, own);
    sums.set(weight, sum);
    return sum;
  };
  for (const node of nodes) {
    const own = factors.get(node.inputs[1] ?? "");
    if (own && addBeside(b, node, own)) continue;
    const inputs = node.inputs.map((name) => {
      const summed = factors.get(name);
      return summed ? sumOf(summed) : name;
    });
    b.append({ ...node, inputs });
  }
}

/** The sum that a layer multiplies by: its weight and the scaled product. */
function adaptedWeight(
  b: GraphBuilder,
  { weight, left, right, scale }: Adapted,
): string {
  const product = b.mul(b.matmul(left, right), scale);
  const { dims } = b.constantOf(weight) as FloatTensor;
  return b.add(weight, b.reshape(product, [...dims]));
}

/**
 * Adds a layer whose weight is adapted: as it was, and two thin layers beside it, of
 * which the first has as many outputs as the factors have in common. So the gradients
 * of the factors are thin products, and none is taken of the weight.
 *
 * @returns false, and adds nothing, where the node does not multiply by the weight or
 *   where the thin layers would take longer than the gradient of the weight
 */
function addBeside(b: GraphBuilder, node: Node, adapted: Adapted): boolean {
  const { weight } = adapted;
  const dims = b.dims(weight) as readonly number[];
  const [rows, columns] = matrixOf(dims);
  const thin = b.dims(adapted.left)?.[1] as number;
  const pays = rows * columns >= LEAST_SAVED * thin * (rows + columns);
  const alone = node.inputs.filter((name) => name === weight).length === 1;
  if (!pays || !alone || node.inputs[1] !== weight) return false;
  const layer = thinLayers[node.op];
  const [out = ""] = node.outputs;
  const beside = layer?.(b, node, adapted, dims);
  if (beside === undefined) return false;
  const base = b.fresh(node.op);
  b.append({ ...node, outputs: [base] });
  b.append({
    name: base,
    op: "Add",
    domain: "",
    inputs: [base, beside],
    outputs: [out],
    attributes: {},
  });
  return true;
}

/**
 * Numbers of a matrix for each of its factors, from where on factors beside it are
 * faster: a product with one is thin, and three take the place of the gradient.
 */
const LEAST_SAVED = 3;

type ThinLayers = (
  b: GraphBuilder,
  node: Node,
  adapted: Adapted,
  dims: readonly number[],
) => string | undefined;

const thinLayers: Readonly<Record<string, ThinLayers>> = {
  MatMul(b, { inputs: [x = ""] }, { left, right, scale }, dims) {
    if (dims.length !== 2 || (b.dims(x)?.length ?? 0) < 2) return undefined;
    return b.matmul(b.matmul(x, left), scaled(b, right, scale));
  },
  Gemm(b, node, { left, right, scale }) {
    if (attribute(node, "transA", "int", 0)) return undefined;
    const transB = int(attribute(node, "transB", "int", 0));
    const [first, second] = transB.value ? [right, left] : [left, right];
    const alpha = scale * attribute(node, "alpha", "float", 1);
    const low = b.op("Gemm", [node.inputs[0] ?? "", first], { transB });
    return b.op("Gemm", [low, second], { transB, alpha: float(alpha) });
  },
  Conv(b, node, { left, right, scale }, [outputs = 0, ...filter]) {
    if (attribute(node, "group", "int", 1) !== 1) return undefined;
    const filters = b.reshape(right, [-1, ...filter]);
    const { attributes } = node;
    const low = b.op("Conv", [node.inputs[0] ?? "", filters], attributes);
    const ones = filter.slice(1).map(() => 1);
    const mixing = b.reshape(scaled(b, left, scale), [outputs, -1, ...ones]);
    return b.op("Conv", [low, mixing], { kernel_shape: ints(ones) });
  },
};

const scaled = (b: GraphBuilder, factor: string, scale: number) =>
  scale === 1 ? factor : b.mul(factor, scale);

const matrixOf = (dims: readonly number[]): [number, number] => [
  dims[0] ?? 1,
  sizeOf(dims.slice(1)),
];

/** Whether the first dimension is that of the layer's inputs, as in x W. */
export const readsInputFirst = (graph: Graph, weight: string): boolean =>
  graph.nodes.some(
    (n) =>
      n.inputs[1] === weight &&
      (n.op === "MatMul" ||
        (n.op === "Gemm" && attribute(n, "transB", "int", 0) === 0)),
  );
