import { layerOps, signals } from "#model";
import {
  describeNode,
  type Graph,
  GraphBuilder,
  type Node,
  readNames,
  sizeOf,
} from "#onnx";
import type { Check } from "../results/index.ts";
import { checkOf } from "./check.ts";

/**
 * Where the structure of a graph, not its weights, may hold a backdoor: a
 * condition on the input that picks what is computed (Langford et al. 2024),
 * a comparison that tells a trigger, or a path from the input round all layers
 * (Bober-Irizar et al. 2023, arXiv:2206.07840). A backdoor of the structure outlives
 * fine-tuning, since no weight holds it.
 *
 * @param graph normalised: conditions that are known are decided
 */
export function flowChecks(graph: Graph): Check[] {
  const b = new GraphBuilder(graph);
  const isLayer = (node: Node) => layerOps.has(node.op);
  const { signal, raw } = signals(graph, b, isLayer);
  return [
    controlFlow(graph),
    comparisons(graph, signal),
    paths(graph, signal, raw, isLayer),
  ];
}

/** Which input of a node decides what is run. */
const deciding: ReadonlyMap<string, readonly number[]> = new Map([
  ["If", [0]],
  ["Loop", [0, 1]],
]);

function controlFlow(graph: Graph): Check {
  const content = computedFromInput(graph);
  const decided = graph.nodes.filter((node) =>
    (deciding.get(node.op) ?? []).some((i) =>
      content.has(node.inputs[i] ?? ""),
    ),
  );
  return checkOf(
    {
      id: "control-flow",
      title: "The input does not decide what is computed",
      otherwise: "failed",
      clean: "No condition or loop depends on what the input holds.",
    },
    decided.map(describeNode),
    "what it runs depends on what the input holds, as the switch of a backdoor does. Do not tune it before you know why.",
  );
}

/** The values that depend on what any input holds, not only on its shape. */
function computedFromInput(graph: Graph): ReadonlySet<string> {
  const from = new Set(graph.inputs.map((i) => i.name));
  for (const node of graph.nodes) {
    if (node.op === "Shape" || node.op === "Size") continue;
    if (readNames(node).some((name) => from.has(name)))
      for (const o of node.outputs) if (o) from.add(o);
  }
  return from;
}

const comparing = /^(Equal|Greater|Less)(OrEqual)?$/;

function comparisons(graph: Graph, signal: ReadonlySet<string>): Check {
  const found = graph.nodes.filter(
    (node) =>
      comparing.test(node.op) &&
      node.inputs.some((name) => signal.has(name)) &&
      !isActivation(node, graph),
  );
  return checkOf(
    {
      id: "comparisons",
      title: "Values are compared in activations only",
      otherwise: "warned",
      clean: "No comparison on computed values beyond those of activations.",
    },
    found.map(describeNode),
    "it compares what is computed from the input, and is not part of an activation; a trigger is told like that. Find out what it is for.",
  );
}

/**
 * Whether a comparison with a number only picks between forms of the value that it
 * compares, place by place.
 */
function isActivation(node: Node, { nodes, constants }: Graph): boolean {
  const values = node.inputs.filter((name) => !isNumber(name, constants));
  const [value, ...others] = values;
  if (value === undefined || others.length > 0) return false;
  const near = new Set([value]);
  for (const n of nodes) {
    const own = n.inputs.filter((name) => !isNumber(name, constants));
    if (
      own.length > 0 &&
      own.every((name) => near.has(name)) &&
      !shifts.test(n.op)
    )
      for (const o of n.outputs) if (o) near.add(o);
  }
  const readers = nodes.filter((n) => n.inputs.includes(node.outputs[0] ?? ""));
  return (
    readers.length > 0 &&
    readers.every((n) =>
      n.inputs.every((name) => near.has(name) || isNumber(name, constants)),
    )
  );
}

/** Operators after which a place is no longer the same place, and those that sum up. */
const shifts =
  /^(Reduce|Arg|Global|Max|Average|Lp)|Pool|^(Slice|Gather|Transpose|Reshape|Flatten|Pad|Split|Concat|Conv|Gemm|MatMul|TopK|CumSum|Softmax|LogSoftmax)/;

const isNumber = (name: string, constants: Graph["constants"]) => {
  const t = constants.get(name);
  return name === "" || (t !== undefined && sizeOf(t.dims) === 1);
};

function paths(
  graph: Graph,
  signal: ReadonlySet<string>,
  raw: ReadonlySet<string>,
  isLayer: (node: Node) => boolean,
): Check {
  const meeting = graph.nodes.filter((node) => {
    const read = node.inputs.filter((name) => signal.has(name));
    return (
      !isLayer(node) &&
      read.some((name) => raw.has(name)) &&
      read.some((name) => !raw.has(name))
    );
  });
  return checkOf(
    {
      id: "paths-round-layers",
      title: "Every path from the input passes a layer",
      otherwise: "warned",
      clean: "Nothing computed from the input runs past all layers.",
    },
    meeting.map(describeNode),
    "something computed from the input without any layer meets what layers made of it; a trigger in the structure arrives like that. Find out what it is for.",
  );
}
