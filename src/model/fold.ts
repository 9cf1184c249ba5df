import type { Engine } from "#engine";
import {
  type DataType,
  fixed,
  type Graph,
  GraphBuilder,
  int64s,
  type Node,
  prune,
  readNames,
  sizeOf,
  type Tensor,
  tensor,
} from "#onnx";

/**
 * What is computed on the way may have this many elements, and what is
 * kept of it so many.
 */
const MOST = 2 ** 20;
const MOST_KEPT = 2 ** 16;

/**
 * The graph with pads, shapes, axes, indices and conditions that follow from
 * constants and known sizes as constants: exporters leave them behind any
 * operators, and gradients and conditions have to know them. The engine computes
 * them, so every operator that it runs is covered. Weights stay as they are, moved
 * or not: they are trained where they lie.
 *
 * @throws ENGINE_LOAD, ENGINE_RUN where the engine cannot compute them
 */
export async function foldConstants(
  graph: Graph,
  engine: Engine,
): Promise<Graph> {
  const b = new GraphBuilder(graph);
  const settled = settledNodes(graph, b);
  const wanted = wantedOf(graph, b, settled);
  if (wanted.length === 0) return graph;
  const values = await computed(graph, b, { settled, wanted, engine });
  const folded = withConstants(graph, values);
  // What is known now may settle more.
  return folded === graph ? graph : foldConstants(folded, engine);
}

/** Operators whose results differ from run to run. */
const drawing: ReadonlySet<string> = new Set(
  "Bernoulli Dropout Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike".split(
    " ",
  ),
);

/** The contents of a value that is known without running anything. */
function knownTensor(b: GraphBuilder, name: string): Tensor | undefined {
  const constant = b.constantOf(name);
  if (constant) return constant;
  const values = b.intsOf(name);
  const dims = fixed(b.dims(name));
  if (!values || !dims) return undefined;
  const { type } = b.known(name);
  if (type === "int64") return int64s(values, dims);
  if (type === "int32") return tensor(type, dims, Int32Array.from(values));
  return type === "bool"
    ? tensor(type, dims, Uint8Array.from(values))
    : undefined;
}

/** Nodes that compute the same whatever the input. */
function settledNodes(graph: Graph, b: GraphBuilder): ReadonlySet<Node> {
  const settled = new Set<Node>();
  const made = new Set<string>();
  for (const node of graph.nodes) {
    const reads = readNames(node);
    const isSettled = (name: string) =>
      made.has(name) || knownTensor(b, name) !== undefined;
    const dims = node.outputs.map((name) => fixed(b.dims(name)));
    const isLarge = dims.some((d) => d && sizeOf(d) > MOST);
    const isOpaque = Object.values(node.attributes).some(
      (a) => a.kind === "opaque",
    );
    if (reads.length === 0 || isLarge || isOpaque || drawing.has(node.op))
      continue;
    if (!reads.every(isSettled)) continue;
    settled.add(node);
    for (const name of node.outputs) if (name) made.add(name);
  }
  return settled;
}

const counted: ReadonlySet<DataType> = new Set(["int64", "int32", "bool"]);

/** Inputs by operator that hold settings as floats. */
const settings: Readonly<Record<string, readonly number[]>> = {
  Clip: [1, 2],
  OneHot: [2],
  Pad: [2],
  Range: [0, 1, 2],
  Resize: [1, 2],
};

/**
 * The values to compute: what settled nodes hand to the others as integers,
 * conditions or settings.
 */
function wantedOf(
  graph: Graph,
  b: GraphBuilder,
  settled: ReadonlySet<Node>,
): string[] {
  const made = new Set([...settled].flatMap((n) => n.outputs));
  const wanted = new Set<string>();
  for (const node of graph.nodes) {
    if (settled.has(node)) continue;
    const slots = Object.hasOwn(settings, node.op) ? settings[node.op] : [];
    for (const name of readNames(node)) {
      const { type, dims } = b.known(name);
      const size = sizeOf(fixed(dims) ?? []);
      const isSetting = slots?.some((slot) => node.inputs[slot] === name);
      const counts = isSetting || (type && counted.has(type));
      if (
        made.has(name) &&
        counts &&
        size <= MOST_KEPT &&
        !knownTensor(b, name)
      )
        wanted.add(name);
    }
  }
  return [...wanted];
}

interface Computing {
  readonly settled: ReadonlySet<Node>;
  readonly wanted: readonly string[];
  readonly engine: Engine;
}

async function computed(
  graph: Graph,
  b: GraphBuilder,
  { settled, wanted, engine }: Computing,
): Promise<ReadonlyMap<string, Tensor>> {
  const nodes = graph.nodes.filter((n) => settled.has(n));
  const made = new Set(nodes.flatMap((n) => n.outputs));
  const leaves = nodes.flatMap(readNames).flatMap((name) => {
    const value = made.has(name) ? undefined : knownTensor(b, name);
    return value ? [[name, value] as const] : [];
  });
  const part = prune({
    ...graph,
    name: `the constants of ${graph.name || "the graph"}`,
    nodes,
    inputs: [],
    valueInfo: [],
    constants: new Map(leaves),
    outputs: wanted.map((name) => b.info(name)),
  });
  const session = await engine.load(part);
  try {
    return new Map(Object.entries(await session.run({})));
  } finally {
    await session.release();
  }
}

/**
 * The graph with these values as constants, without the nodes that only they needed.
 */
function withConstants(
  graph: Graph,
  values: ReadonlyMap<string, Tensor>,
): Graph {
  const kept = [...values].filter(([, t]) => t.data.length <= MOST_KEPT);
  if (kept.length === 0) return graph;
  const names = new Set(kept.map(([name]) => name));
  return prune({
    ...graph,
    nodes: graph.nodes.map((node) =>
      node.outputs.some((name) => names.has(name))
        ? {
            ...node,
            outputs: node.outputs.map((name) => (names.has(name) ? "" : name)),
          }
        : node,
    ),
    valueInfo: graph.valueInfo.filter(({ name }) => !names.has(name)),
    constants: new Map([...graph.constants, ...kept]),
  });
}
