import {
  arrayTypes,
  type DataType,
  type Dim,
  factorOf,
  type Graph,
  GraphBuilder,
  readNames,
} from "#onnx";

/** Operators that give what they read in another shape, and no memory to it. */
const reshaping: ReadonlySet<string> = new Set(
  "Flatten Identity Reshape Squeeze Unsqueeze".split(" "),
);

/**
 * Bytes of one sample that a graph holds at once, at the most: its nodes are done one
 * after the other, and what nobody reads any more is dropped. Weights and what
 * follows from them alone are of no sample, and do not count.
 */
export function liveBytes(graph: Graph): number {
  const b = new GraphBuilder(graph);
  const roots = new Map<string, string>();
  const rootOf = (name: string) => roots.get(name) ?? name;
  const last = new Map<string, number>();
  graph.nodes.forEach((node, i) => {
    const [x = ""] = node.inputs;
    if (reshaping.has(node.op)) roots.set(node.outputs[0]!, rootOf(x));
    for (const name of readNames(node)) last.set(rootOf(name), i);
  });
  for (const { name } of graph.outputs)
    last.set(rootOf(name), graph.nodes.length);
  const bytesOf = (name: string) => {
    const { type, dims } = b.known(name);
    return bytesPerSample(type, dims);
  };
  let held = graph.inputs.reduce((sum, { name }) => sum + bytesOf(name), 0);
  let most = held;
  graph.nodes.forEach((node, i) => {
    const made = node.outputs.filter((name) => name && !roots.has(name));
    for (const name of made) held += bytesOf(name);
    most = Math.max(most, held);
    // What nobody reads is dropped as soon as it is there.
    const read = new Set(readNames(node).map(rootOf));
    for (const name of new Set([...made, ...read]))
      if ((last.get(name) ?? i) === i) held -= bytesOf(name);
  });
  return most;
}

/** Bytes of one sample of all that a graph computes, kept to the end. */
export function allBytes(graph: Graph): number {
  const b = new GraphBuilder(graph);
  return graph.nodes
    .flatMap(({ outputs }) => outputs)
    .reduce((sum, name) => {
      const { type, dims } = b.known(name);
      return sum + bytesPerSample(type, dims);
    }, 0);
}

/** Bytes of a value for each sample; 0 where it is of no sample, or not known. */
function bytesPerSample(
  type: DataType = "float32",
  dims: readonly Dim[] = [],
): number {
  if (type === "string" || dims.every((d) => typeof d === "number")) return 0;
  const { BYTES_PER_ELEMENT } = arrayTypes[type];
  return dims.reduce<number>(
    (size, d) => size * factorOf(d),
    BYTES_PER_ELEMENT,
  );
}
