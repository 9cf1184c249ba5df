import { AssayError, type Random } from "#core";
import {
  attribute,
  describeNode,
  floats,
  type Graph,
  GraphBuilder,
  type Node,
  prune,
  sizeOf,
} from "#onnx";
import { isLayer, makersOf } from "./ancestry.ts";
import type { Model } from "./model.ts";
import { inRows, positionsOf } from "./outputs/positions.ts";
import { signals } from "./signal.ts";
import { isPlaced, type PlacedTask } from "./tasks/index.ts";

/**
 * The model with its last layer drawn anew for other classes at the same positions.
 * What follows that layer, such as a Resize to the size of the image, stays.
 *
 * Weights are drawn as PyTorch draws them, uniform within 1 / sqrt(fan-in).
 *
 * @param cut none: behind it features have lost their positions
 * @throws HEAD_UNKNOWN where no single layer gives the classes
 */
export function replacePositionHead(
  model: Model,
  classes: readonly string[],
  random: Random,
  task: PlacedTask,
  cut?: string,
): Model {
  if (cut !== undefined)
    throw new AssayError(
      "HEAD_UNKNOWN",
      `a head behind the cut "${cut}" would answer for a sample as a whole, and not at each position`,
      "Leave cut out: the last layer is drawn anew.",
    );
  if (model.task?.kind !== task.kind)
    throw new AssayError(
      "HEAD_UNKNOWN",
      `the base answers ${isPlaced(model.task) ? `by ${model.task.kind}` : "for a sample as a whole"}, and the task is ${task.kind}`,
      "Use a base with outputs [N, classes, ...] or [N, ..., classes], of the same task.",
    );
  const { shape } = model.task;
  const { output, ...arranged } = beforeArranging(model);
  const graph = redrawn(model.graph, output, model.classes, classes, random);
  const b = new GraphBuilder(graph, "output/");
  const found = positionsOf(graph, b, output, {
    // Fresh classes are in the order of their names.
    task:
      task.kind === "ctc"
        ? { ...task, ...arranged, blank: 0 }
        : { ...task, axis: arranged.axis },
    classes,
    shape: model.contract.shape,
    file: "the base",
  });
  if (
    found.task.shape?.join() !== shape?.join() ||
    b.dims(found.logits)?.[1] !== classes.length
  )
    throw unknown(
      "the shapes behind its last layer are those of its own classes",
    );
  const logits = inRows(b, found.logits);
  return {
    ...model,
    graph: prune(b.build([logits])),
    logits,
    classes,
    task: found.task,
  };
}

/**
 * The output of the file, or what went into its Softmax, and where that has the batch
 * and the classes.
 */
function beforeArranging({ graph, logits }: Model): {
  readonly output: string;
  readonly axis: "first" | "last";
  readonly stepsFirst: boolean;
} {
  const makers = makersOf(graph);
  let output = logits;
  let [batch, classes] = [0, 1];
  for (
    let node = makers.get(output);
    node?.outputs[0]?.startsWith("output/");
    node = makers.get(output)
  ) {
    if (node.op === "Transpose") {
      const perm: readonly number[] = attribute(node, "perm", "ints", []);
      [batch, classes] = [perm[batch] ?? batch, perm[classes] ?? classes];
    }
    output = node.inputs[0]!;
  }
  const stepsFirst = batch === 1;
  if (batch > 1 || (stepsFirst && classes !== 2))
    throw unknown("its batch is not first");
  return { output, axis: classes === 1 ? "first" : "last", stepsFirst };
}

/** What may stand behind the last layer: it moves positions, and no classes. */
const moves: ReadonlySet<string> = new Set(
  "Cast Identity Pad Reshape Resize Slice Squeeze Transpose Unsqueeze".split(
    " ",
  ),
);

/** A constant that has a number for each class, and the node that reads it. */
interface OfClasses {
  readonly node: Node;
  readonly name: string;
  readonly axis: number;
}

/** A graph whose last layer has fresh weights for other classes. */
function redrawn(
  graph: Graph,
  output: string,
  before: readonly string[],
  classes: readonly string[],
  random: Random,
): Graph {
  const { weight, biases, fanIn } = lastLayer(graph, output, before.length);
  const limit = 1 / Math.sqrt(fanIn(classes.length));
  const old = [weight, ...biases];
  const swapped = new Map<Node, Node>();
  const constants = new Map(graph.constants);
  const isFree = unusedBut(graph, old);
  for (const { node, name, axis } of old) {
    const dims = constants
      .get(name)!
      .dims.map((d, i) => (i === axis ? classes.length : d));
    const kind = name === weight.name ? "weight" : "bias";
    let fresh = `head.${kind}`;
    for (let i = 2; !isFree(fresh); i++) fresh = `head${i}.${kind}`;
    const draw = () => (2 * random.uniform() - 1) * limit;
    const drawn = Float32Array.from({ length: sizeOf(dims) }, draw);
    constants.set(fresh, floats(dims, drawn));
    const now = swapped.get(node) ?? node;
    const inputs = now.inputs.map((i) => (i === name ? fresh : i));
    swapped.set(node, { ...now, inputs });
  }
  return {
    ...graph,
    constants,
    nodes: graph.nodes.map((n) => swapped.get(n) ?? n),
    // What was recorded holds for the classes before.
    valueInfo: [],
    outputs: graph.outputs.map(({ name, type }) => ({ name, type })),
  };
}

/** Whether a name is free once these constants are read no more. */
function unusedBut(graph: Graph, old: readonly OfClasses[]) {
  const leaving = new Set(
    old
      .filter(({ node, name }) =>
        graph.nodes.every((n) => n === node || !n.inputs.includes(name)),
      )
      .map(({ name }) => name),
  );
  const { has } = new GraphBuilder(graph);
  return (name: string) => !has(name) || leaving.has(name);
}

/** The layer that gives the classes, from behind, and additions to what it gives. */
function lastLayer(graph: Graph, output: string, classes: number) {
  const b = new GraphBuilder(graph);
  const makers = makersOf(graph);
  const { signal } = signals(graph, b, isLayer);
  const biases: OfClasses[] = [];
  let node = makers.get(output);
  while (node) {
    const found = weightsOf(node, graph, classes);
    if (found) {
      const [, name = "", bias] = node.inputs;
      if (bias) biases.push({ node, name: bias, axis: 0 });
      return { ...found, weight: { node, name, axis: found.axis }, biases };
    }
    const [source, ...others] = node.inputs.filter((name) => signal.has(name));
    if (node.op === "Add" && others.length === 0) {
      const name = node.inputs.find((i) => i !== source) ?? "";
      const { dims = [] } = graph.constants.get(name) ?? {};
      if (sizeOf(dims) !== classes) break;
      biases.push({ node, name, axis: dims.indexOf(classes) });
    } else if (node.domain !== "" || !moves.has(node.op)) break;
    node = makers.get(source ?? node.inputs[0] ?? "");
  }
  throw unknown(node ? `it ends in ${describeNode(node)}` : "it has no layer");
}

const unknown = (why: string) =>
  new AssayError(
    "HEAD_UNKNOWN",
    `the base has no last layer that a new one can stand for: ${why}`,
    "Export it so that it ends in a convolution or linear layer with an output for each class, and a Resize at most.",
  );

/**
 * Which axis of a layer's weights is that of the classes; undefined for another node.
 */
function weightsOf(
  node: Node,
  { constants }: Graph,
  classes: number,
): { axis: number; fanIn: (classes: number) => number } | undefined {
  const dims = constants.get(node.inputs[1] ?? "")?.dims;
  if (node.domain !== "" || !dims) return undefined;
  const found = axisOfClasses(node, dims);
  // A single logit may stand for two classes.
  const size = found && dims[found.axis];
  return size === classes || (size === 1 && classes === 2) ? found : undefined;
}

/** The same of weights of this shape, with what PyTorch draws a weight for. */
function axisOfClasses(node: Node, dims: readonly number[]) {
  const isWhole = /^Conv/.test(node.op)
    ? attribute(node, "group", "int", 1) === 1
    : dims.length === 2;
  if (!isWhole) return undefined;
  switch (node.op) {
    case "Conv":
      return { axis: 0, fanIn: () => sizeOf(dims.slice(1)) };
    case "ConvTranspose":
      return { axis: 1, fanIn: (k: number) => k * sizeOf(dims.slice(2)) };
    case "MatMul":
      return { axis: 1, fanIn: () => dims[0]! };
    case "Gemm": {
      const axis = attribute(node, "transB", "int", 0) === 1 ? 0 : 1;
      return { axis, fanIn: () => dims[1 - axis]! };
    }
    default:
      return undefined;
  }
}
