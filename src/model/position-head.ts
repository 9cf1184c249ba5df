import { AssayError, type Random } from "#core";
import {
  attribute,
  describeNode,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  type Node,
  prune,
  sizeOf,
  type Tensor,
} from "#onnx";
import { isLayer, makersOf } from "./ancestry.ts";
import type { Model } from "./model.ts";
import {
  inRows,
  type PositionsTask,
  positionsOf,
} from "./outputs/positions.ts";
import { signals } from "./signal.ts";

/**
 * The model with its last layer drawn anew for other classes at the same positions. What
 * follows that layer, such as a Resize to the size of the image, stays.
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
  task: PositionsTask,
  cut?: string,
): Model {
  if (cut !== undefined)
    throw new AssayError(
      "HEAD_UNKNOWN",
      `a head behind the cut "${cut}" would answer for a sample as a whole, and not at each position`,
      "Leave cut out: the last layer is drawn anew.",
    );
  if (model.task?.kind !== "positions")
    throw new AssayError(
      "HEAD_UNKNOWN",
      "the base answers for a sample as a whole, and the task is a class at each position",
      "Use a base with outputs [N, classes, ...] or [N, ..., classes], with task: { kind: positions } of its own.",
    );
  const { axis, shape } = model.task;
  const output = beforeArranging(model);
  const graph = redrawn(model.graph, output, model.classes, classes, random);
  const b = new GraphBuilder(graph, "output/");
  const found = positionsOf(graph, b, output, {
    task: { ...task, axis },
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

/** The output of the file, or what went into its Softmax. */
function beforeArranging({ graph, logits }: Model): string {
  const makers = makersOf(graph);
  let value = logits;
  for (
    let node = makers.get(value);
    node?.outputs[0]?.startsWith("output/");
    node = makers.get(value)
  )
    value = node.inputs[0]!;
  return value;
}

/** What may stand behind the last layer: it moves positions, and leaves classes alone. */
const moves: ReadonlySet<string> = new Set(
  "Cast Identity Pad Reshape Resize Slice Squeeze Transpose Unsqueeze".split(
    " ",
  ),
);

/** A graph whose last layer has fresh weights for other classes. */
function redrawn(
  graph: Graph,
  output: string,
  before: readonly string[],
  classes: readonly string[],
  random: Random,
): Graph {
  const b = new GraphBuilder(graph);
  const makers = makersOf(graph);
  const { signal } = signals(graph, b, isLayer);
  const constants = new Map(graph.constants);
  const swapped = new Map<Node, Node>();
  const fresh = (name: string, value: Tensor) => {
    const unused = b.fresh(name);
    constants.set(unused, value);
    return unused;
  };
  const limited = (dims: readonly number[], fanIn: number): FloatTensor => {
    const limit = 1 / Math.sqrt(fanIn);
    const draw = () => (2 * random.uniform() - 1) * limit;
    return floats(dims, Float32Array.from({ length: sizeOf(dims) }, draw));
  };
  /** Additions of a number for each class, whose bias is drawn with the layer. */
  const biases: { node: Node; name: string; dims: readonly number[] }[] = [];
  let node = makers.get(output);
  while (node) {
    const weights = weightsOf(node, graph, before.length);
    if (weights) {
      const { at, axis, fanIn } = weights;
      const old = graph.constants.get(node.inputs[at] ?? "")!;
      const dims = old.dims.map((d, i) => (i === axis ? classes.length : d));
      const inputs = [...node.inputs];
      inputs[at] = fresh("head.weight", limited(dims, fanIn(classes.length)));
      if (inputs[2])
        inputs[2] = fresh(
          "head.bias",
          limited([classes.length], fanIn(classes.length)),
        );
      swapped.set(node, { ...node, inputs });
      for (const one of biases) {
        const dims = one.dims.map((d) => (d === 1 ? 1 : classes.length));
        const value = limited(dims, fanIn(classes.length));
        const name = fresh("head.bias", value);
        const inputs = one.node.inputs.map((i) => (i === one.name ? name : i));
        swapped.set(one.node, { ...one.node, inputs });
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
    const sources: string[] = node.inputs.filter((name) => signal.has(name));
    const [source, ...others] = sources;
    if (node.op === "Add" && others.length === 0) {
      const name = node.inputs.find((i) => i !== source) ?? "";
      const dims = graph.constants.get(name)?.dims;
      if (dims && sizeOf(dims) === before.length)
        biases.push({ node, name, dims });
      else break;
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
 * Where a layer has its weights, and which of their axes is that of the classes;
 * undefined for another node.
 */
function weightsOf(
  node: Node,
  { constants }: Graph,
  classes: number,
):
  | {
      readonly at: number;
      readonly axis: number;
      /** What a weight is drawn for, as PyTorch counts it. */
      readonly fanIn: (classes: number) => number;
    }
  | undefined {
  if (node.domain !== "") return undefined;
  const dims = constants.get(node.inputs[1] ?? "")?.dims;
  if (!dims) return undefined;
  const rest = sizeOf(dims.slice(1));
  const found = ((): { axis: number; fanIn: (c: number) => number } | null => {
    switch (node.op) {
      case "Conv":
        return attribute(node, "group", "int", 1) === 1
          ? { axis: 0, fanIn: () => rest }
          : null;
      case "ConvTranspose":
        return attribute(node, "group", "int", 1) === 1
          ? { axis: 1, fanIn: (c) => c * sizeOf(dims.slice(2)) }
          : null;
      case "MatMul":
        return dims.length === 2 ? { axis: 1, fanIn: () => dims[0]! } : null;
      case "Gemm": {
        const axis = attribute(node, "transB", "int", 0) === 1 ? 0 : 1;
        return { axis, fanIn: () => dims[1 - axis]! };
      }
      default:
        return null;
    }
  })();
  // A single logit may stand for two classes.
  const size = found && dims[found.axis];
  const fits = size === classes || (size === 1 && classes === 2);
  return found && fits ? { at: 1, ...found } : undefined;
}
