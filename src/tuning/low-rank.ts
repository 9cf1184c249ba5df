import type { Model } from "#model";
import {
  attribute,
  type FloatTensor,
  floats,
  type Graph,
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

const matrixOf = (dims: readonly number[]): [number, number] => [
  dims[0] ?? 1,
  sizeOf(dims.slice(1)),
];

/** Whether the first dimension is that of the layer's inputs, as in x W. */
const readsInputFirst = (graph: Graph, weight: string): boolean =>
  graph.nodes.some(
    (n) =>
      n.inputs[1] === weight &&
      (n.op === "MatMul" ||
        (n.op === "Gemm" && attribute(n, "transB", "int", 0) === 0)),
  );
