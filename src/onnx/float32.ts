import {
  type Attribute,
  type Attributes,
  emptyGraph,
  type Graph,
  int,
  type LocalFunction,
  type Node,
  type Subgraph,
  type ValueInfo,
} from "./graph.ts";
import { mapBodies } from "./inline.ts";
import { floats, type Tensor } from "./tensor.ts";
import { typeCodes } from "./types.ts";

const others = new Set(["float16", "bfloat16", "float64"]);

/**
 * A graph that computes in float32 what it computed in float16, bfloat16 or
 * float64. Weights of half precision are widened exactly, which is also what
 * training needs of them; onnxruntime's CPU kernels widen them as well.
 */
export function toFloat32(graph: Graph): Graph {
  const whole = [graph, ...graph.functions.map(asBody)];
  if (!whole.some(usesOthers)) return graph;
  return {
    ...body(graph),
    functions: graph.functions.map((f) => ({
      ...f,
      defaults: attributes(f.defaults),
      nodes: body(asBody(f)).nodes,
    })),
  };
}

const asBody = ({ name, nodes }: LocalFunction): Subgraph => ({
  ...emptyGraph(name),
  nodes,
});

function usesOthers(graph: Subgraph): boolean {
  const codes = new Set<number>(
    [...others].map((t) => typeCodes[t as "float16"]),
  );
  return (
    [...graph.inputs, ...graph.outputs, ...graph.constants.values()].some((v) =>
      others.has(v.type),
    ) ||
    graph.nodes.some((node) =>
      Object.entries(node.attributes).some(
        ([name, a]) =>
          (a.kind === "tensor" && others.has(a.value.type)) ||
          (a.kind === "graph" && usesOthers(a.value)) ||
          (isTypeCode(name) && a.kind === "int" && codes.has(a.value)),
      ),
    )
  );
}

const body = <G extends Subgraph>(graph: G) => ({
  ...graph,
  inputs: graph.inputs.map(info),
  outputs: graph.outputs.map(info),
  valueInfo: graph.valueInfo.map(info),
  nodes: graph.nodes.map(
    (node): Node => ({ ...node, attributes: attributes(node.attributes) }),
  ),
  constants: new Map(
    [...graph.constants].map(([name, t]) => [name, widened(t)]),
  ),
});

const info = (value: ValueInfo): ValueInfo =>
  others.has(value.type) ? { ...value, type: "float32" } : value;

/** The attributes that name an element type. */
const isTypeCode = (name: string) => name === "to" || name === "dtype";

function attributes(all: Attributes): Attributes {
  const entries = Object.entries(all).map(([name, a]): [string, Attribute] => {
    if (a.kind === "tensor")
      return [name, { kind: "tensor", value: widened(a.value) }];
    const named = isTypeCode(name) && a.kind === "int";
    const floating =
      named &&
      [...others].some((type) => typeCodes[type as "float16"] === a.value);
    return [name, floating ? int(typeCodes.float32) : a];
  });
  return mapBodies(Object.fromEntries(entries), body);
}

/** A tensor of other floats in float32; any other as it is. */
export function widened(t: Tensor): Tensor {
  switch (t.type) {
    case "float64":
      return floats(t.dims, t.data as Float64Array);
    case "float16":
      return floats(
        t.dims,
        Float32Array.from(t.data as Uint16Array, halfToNumber),
      );
    case "bfloat16": {
      // The upper half of a float32.
      const bits = Uint32Array.from(t.data as Uint16Array, (h) => h * 2 ** 16);
      return floats(t.dims, new Float32Array(bits.buffer));
    }
    default:
      return t;
  }
}

/** The number that 16 bits of IEEE half precision stand for. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31)
    return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
