import { onnxruntime } from "#engine";
import {
  type Attribute,
  type Graph,
  int,
  type Node,
  type Tensor,
  type ValueInfo,
} from "#onnx";
import { evaluate, supports } from "./reference.ts";

/** A function of named inputs, in double precision where `exact`. */
export interface Function64 {
  readonly exact: boolean;
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/**
 * A graph as a function in double precision: by onnxruntime where it has the
 * kernels, by the reference interpreter where that has them, and in single
 * precision otherwise.
 */
export async function inDouble(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Function64> {
  if (graph.nodes.every(supports)) {
    return {
      exact: true,
      run: async (feeds) => evaluate(graph, feeds),
      release: async () => {},
    };
  }
  try {
    const session = await onnxruntime.load(widened(graph));
    // Some kernels say only as they run that they have no double precision.
    await session.run(map(feeds, toDouble));
    return {
      exact: true,
      run: (feeds) => session.run(map(feeds, toDouble)),
      release: () => session.release(),
    };
  } catch {
    const session = await onnxruntime.load(graph);
    return {
      exact: false,
      run: async (feeds) =>
        map(await session.run(map(feeds, toSingle)), toDouble),
      release: () => session.release(),
    };
  }
}

const map = (
  values: Readonly<Record<string, Tensor>>,
  change: (t: Tensor) => Tensor,
) =>
  Object.fromEntries(
    Object.entries(values).map(([name, t]) => [name, change(t)]),
  );

export const toDouble = (t: Tensor): Tensor =>
  t.type === "float32"
    ? { ...t, type: "float64", data: Float64Array.from(t.data as Float32Array) }
    : t;

export const toSingle = (t: Tensor): Tensor =>
  t.type === "float64"
    ? { ...t, type: "float32", data: Float32Array.from(t.data as Float64Array) }
    : t;

const FLOAT = 1;
const DOUBLE = 11;

/** The graph with every float32 made float64. */
function widened(graph: Graph): Graph {
  const info = (v: ValueInfo): ValueInfo =>
    v.type === "float32" ? { ...v, type: "float64" } : v;
  const attribute = (name: string, a: Attribute): Attribute => {
    if (a.kind === "tensor") return { ...a, value: toDouble(a.value) };
    const names = name === "to" || name === "dtype";
    return names && a.kind === "int" && a.value === FLOAT ? int(DOUBLE) : a;
  };
  return {
    ...graph,
    inputs: graph.inputs.map(info),
    outputs: graph.outputs.map(info),
    valueInfo: [],
    constants: new Map(
      [...graph.constants].map(([name, t]) => [name, toDouble(t)]),
    ),
    nodes: graph.nodes.map(
      (node): Node => ({
        ...node,
        attributes: Object.fromEntries(
          Object.entries(node.attributes).map(([name, a]) => [
            name,
            attribute(name, a),
          ]),
        ),
      }),
    ),
  };
}
