import { type Graph, type Node, sizeOf, type Tensor } from "#onnx";

/** Weights that are trained and frozen together: usually one layer with its bias and normalisation. */
export interface LayerGroup {
  readonly name: string;
  /** Names of its trainable constants. */
  readonly parameters: readonly string[];
  /** Number of numbers in them. */
  readonly size: number;
}

/** The inputs of an operator that hold weights; a constant elsewhere is not trained. */
const weightSlots: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  PRelu: [1],
  Gather: [0],
  Add: [0, 1],
  Mul: [0, 1],
};

/** Operators that begin a group; the others join the one before them. */
const layerOps: ReadonlySet<string> = new Set([
  "Conv",
  "ConvTranspose",
  "Gemm",
  "MatMul",
  "Gather",
]);

/**
 * The layer groups of a model in topological order, from input to output.
 * ONNX does not mark what is trainable: a float constant counts when it sits
 * in a weight slot of a known operator. Scalars and running statistics do not.
 *
 * @param only names or patterns (`*` matches anything) of the constants that may be trained; all when left out
 */
export function layerGroups(
  graph: Graph,
  only?: readonly string[],
): LayerGroup[] {
  const groups: { name: string; parameters: string[]; size: number }[] = [];
  const seen = new Set<string>();
  for (const node of graph.nodes) {
    const parameters = weightsOf(node, graph).filter(
      (name) =>
        !seen.has(name) && (!only || only.some((p) => matches(p, name))),
    );
    if (parameters.length === 0) continue;
    for (const name of parameters) seen.add(name);
    const size = parameters.reduce(
      (sum, name) => sum + sizeOf((graph.constants.get(name) as Tensor).dims),
      0,
    );
    const current = groups.at(-1);
    if (current && !layerOps.has(node.op)) {
      current.parameters.push(...parameters);
      current.size += size;
    } else {
      groups.push({
        name: groupName(node, parameters, groups),
        parameters,
        size,
      });
    }
  }
  return groups;
}

/** Whether a name matches a pattern in which `*` stands for anything. */
export function matches(pattern: string, name: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*")}$`).test(name);
}

function weightsOf(node: Node, graph: Graph): string[] {
  const known = node.domain === "" && Object.hasOwn(weightSlots, node.op);
  const slots = known ? weightSlots[node.op] : undefined;
  return (slots ?? []).flatMap((slot) => {
    const name = node.inputs[slot];
    const value = name ? graph.constants.get(name) : undefined;
    const trainable =
      value?.type === "float32" &&
      value.dims.length > 0 &&
      sizeOf(value.dims) > 1;
    return name && trainable ? [name] : [];
  });
}

/** "conv1.weight" names the group "conv1"; anonymous weights take the name of their node. */
function groupName(
  node: Node,
  parameters: readonly string[],
  groups: readonly { name: string }[],
): string {
  const stem = /^(.+)[./](weight|kernel|W|w|bias|gamma|beta|scale)$/.exec(
    parameters[0] ?? "",
  )?.[1];
  const name = stem ?? (node.name || `layer${groups.length + 1}`);
  const taken = groups.filter(
    (g) => g.name === name || g.name.startsWith(`${name}#`),
  ).length;
  return taken === 0 ? name : `${name}#${taken + 1}`;
}
