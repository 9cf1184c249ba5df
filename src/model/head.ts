import { AssayError, type Random } from "#core";
import {
  type Dim,
  describeNode,
  type FloatTensor,
  fixed,
  floats,
  type Graph,
  GraphBuilder,
  int,
  type Node,
  prune,
  sizeOf,
} from "#onnx";
import { isLayer, type Makers, makersOf } from "./ancestry.ts";
import { featuresAt } from "./cuts.ts";
import { activationOps } from "./features.ts";
import type { Model } from "./model.ts";
import { replacePositionHead } from "./position-head.ts";
import { signals } from "./signal.ts";
import { isPlaced, type Task } from "./tasks/index.ts";

/**
 * The model with a new linear head for other outputs: instead of its last
 * linear layer, or of all that follows a cut.
 *
 * New weights are drawn as PyTorch draws them for a linear layer, uniform
 * within 1 / sqrt(features).
 *
 * @param cut a layer group or a value whose features the head reads (see `featuresAt`)
 * @param task what its outputs mean; a classifier when left out
 * @throws HEAD_UNKNOWN when no cut is given and the model does not end in a linear
 *   layer, and when one of the model and the task answers at each position alone
 */
export function replaceHead(
  model: Model,
  classes: readonly string[],
  random: Random,
  cut?: string,
  task?: Task,
): Model {
  if (isPlaced(task))
    return replacePositionHead(model, classes, random, task, cut);
  if (isPlaced(model.task) && cut === undefined)
    throw new AssayError(
      "HEAD_UNKNOWN",
      "the base answers at each position, and the task is one of whole samples",
      "Name a cut: the layer group whose features a new head reads.",
    );
  const { graph: body, ...features } = bodyOf(model, cut);
  const b = new GraphBuilder(body);
  const { logits } = linearHead(b, features, classes.length, random, "head");
  return {
    ...model,
    graph: b.build([logits]),
    logits,
    classes,
    task,
    heads: undefined,
    features: undefined,
  };
}

/** What a head reads: a value [N, width]. */
export interface Features {
  readonly features: string;
  readonly width: number;
}

/**
 * A model without its last linear layer, or without all that follows a cut, so that a
 * new head may have its names.
 */
export function bodyOf(
  model: Model,
  cut?: string,
): Features & { graph: Graph } {
  const { graph, features, width } =
    cut === undefined ? findHead(model) : featuresAt(model.graph, cut);
  const pruned = prune({
    ...graph,
    outputs: [new GraphBuilder(graph).info(features)],
  });
  const made = new Set(pruned.nodes.flatMap((n) => n.outputs));
  return {
    features,
    width,
    // PyTorch records the shapes of weights as well.
    graph: {
      ...pruned,
      valueInfo: pruned.valueInfo.filter((v) => made.has(v.name)),
    },
  };
}

/** Adds a linear layer with weights as PyTorch draws them. */
export function linearHead(
  b: GraphBuilder,
  { features, width }: Features,
  outputs: number,
  random: Random,
  stem: string,
): { logits: string; parameters: string[] } {
  const limit = 1 / Math.sqrt(width);
  const draw = (dims: readonly number[]): FloatTensor =>
    floats(
      dims,
      Float32Array.from(
        { length: dims.reduce((p, d) => p * d, 1) },
        () => (2 * random.uniform() - 1) * limit,
      ),
    );
  const name = unusedName(b.build(), stem);
  const weight = b.constant(draw([outputs, width]), `${name}.weight`);
  const bias = b.constant(draw([outputs]), `${name}.bias`);
  const logits = b.op(
    "Gemm",
    [features, weight, bias],
    { transB: int(1) },
    `${name}.logits`,
  );
  return { logits, parameters: [weight, bias] };
}

/**
 * The value that the last linear layer of a model reads: its features, [N, width], or
 * the maps that a convolution reads.
 *
 * @throws HEAD_UNKNOWN
 */
export function headInput(model: Model): string {
  const { reads } = findHead(model);
  if (new GraphBuilder(model.graph).type(reads) === "float32") return reads;
  throw new AssayError(
    "HEAD_UNKNOWN",
    `the head of the model reads integers of eight bits, "${reads}"`,
    "Name a cut, or use the model before it was quantised.",
  );
}

/** The same before its activation, where it has one. */
export function neuronsOf(model: Model): string {
  const features = headInput(model);
  const maker = model.graph.nodes.find((n) => n.outputs.includes(features));
  return maker && activationOps.has(maker.op) ? maker.inputs[0]! : features;
}

/** What may stand behind the head: it arranges, rounds or scales what the head says. */
const passed: ReadonlySet<string> = new Set(
  "Cast DequantizeLinear Flatten Identity QuantizeLinear Reshape Squeeze Unsqueeze".split(
    " ",
  ),
);
const arithmetic: ReadonlySet<string> = new Set(
  "Add Div Mul Sub Sum".split(" "),
);
/** What may stand behind a convolution that gives a map for each class. */
const pooled: ReadonlySet<string> = new Set(
  "AveragePool GlobalAveragePool ReduceMean Relu Sigmoid".split(" "),
);

/**
 * The last linear layer of a model: what it reads, [N, width], in a graph that has it.
 */
function findHead({
  graph,
  logits,
  classes,
  features,
}: Model): Layer & { graph: Graph } {
  if (features)
    return { graph, reads: logits, features: logits, width: classes.length };
  const b = new GraphBuilder(graph, "features/");
  const makers = makersOf(graph);
  const { signal } = signals(graph, b, isLayer);
  let node = makers.get(logits);
  let pooling: Node | undefined;
  while (node) {
    const isPooled = pooling !== undefined;
    const found = featuresOf(node, { b, makers, signal, isPooled });
    if (found) return { graph: b.build(), ...found };
    const next = before(node, signal, b);
    const pools: boolean = node.domain === "" && pooled.has(node.op);
    if (next === undefined && !pools) break;
    if (pools) pooling ??= node;
    node = makers.get(next ?? node.inputs[0] ?? "");
  }
  const end = pooling ?? node;
  throw new AssayError(
    "HEAD_UNKNOWN",
    `the head of the model is ${end ? describeNode(end) : "missing"}, expected a linear layer (Gemm, or MatMul and Add), or a convolution whose answers are averaged or for one pixel`,
    "Export the model so that it ends in its last linear layer, or name a cut: the layer group whose features a new head reads.",
  );
}

/**
 * The value that a node behind the head takes from it; undefined when it
 * is something else.
 */
function before(
  { op, domain, inputs, outputs }: Node,
  signal: ReadonlySet<string>,
  b: GraphBuilder,
): string | undefined {
  if (domain !== "") return undefined;
  // Two logits may have been made of one, and all may have been put in order.
  if (passed.has(op) || outputs[0]?.startsWith("output/")) return inputs[0];
  // A scale that was measured of the whole input is one number.
  const isNumber = (name: string) => fixed(b.dims(name))?.every((d) => d === 1);
  const [only, ...more] = inputs.filter(
    (name) => signal.has(name) && !isNumber(name),
  );
  return arithmetic.has(op) && more.length === 0 ? only : undefined;
}

interface Layer extends Features {
  /** The value of the model's own graph that the features are made of. */
  readonly reads: string;
}

interface Place {
  readonly b: GraphBuilder;
  readonly makers: Makers;
  readonly signal: ReadonlySet<string>;
  readonly isPooled: boolean;
}

/** What a linear layer reads, as floats [N, width]; undefined for another node. */
function featuresOf(node: Node, place: Place): Layer | undefined {
  const { b, makers, signal, isPooled } = place;
  const [x = "", second = "", third = "", weight = ""] = node.inputs;
  if (node.domain !== "") return undefined;
  const wide = (
    reads: string,
    dims: readonly Dim[] | undefined,
    { axis = 0, features = reads } = {},
  ): Layer | undefined => {
    const width = dims?.length === 2 ? dims[axis] : undefined;
    return typeof width === "number" ? { reads, features, width } : undefined;
  };
  const ofIntegers = () => b.op("DequantizeLinear", [x, second, third]);
  if (isPooled && !/Conv$/.test(node.op)) return undefined;
  switch (node.op) {
    case "Gemm": {
      const { transA, transB } = node.attributes;
      const isTurned = transA?.kind === "int" && transA.value === 1;
      const axis = transB?.kind === "int" && transB.value === 1 ? 1 : 0;
      return isTurned ? undefined : wide(x, b.dims(second), { axis });
    }
    case "MatMul":
      return signal.has(second) ? undefined : wide(x, b.dims(second));
    case "MatMulInteger": {
      const maker = makers.get(x);
      return maker?.op === "DynamicQuantizeLinear"
        ? wide(maker.inputs[0]!, b.dims(second))
        : undefined;
    }
    case "QLinearMatMul":
      return wide(x, b.dims(weight), { features: ofIntegers() });
    case "QLinearConv": {
      const found = ofMaps(b, ofIntegers(), b.dims(weight), isPooled);
      return found && { ...found, reads: x };
    }
    case "Conv":
      return ofMaps(b, x, b.dims(second), isPooled);
    default:
      return undefined;
  }
}

/**
 * What a convolution reads whose answers are averaged over all pixels, averaged
 * likewise; or of one that answers for the whole of its input at once, all of it.
 */
function ofMaps(
  b: GraphBuilder,
  x: string,
  kernel: readonly Dim[] | undefined,
  isPooled: boolean,
): Layer | undefined {
  const sizes = fixed(kernel);
  const [, channels = 0, ...window] = sizes ?? [];
  const [, all, ...image] = b.dims(x) ?? [];
  if (!sizes || window.length === 0 || all !== channels) return undefined;
  if (window.join() === image.join() && !window.every((k) => k === 1)) {
    const width = sizeOf([channels, ...window]);
    return { reads: x, features: b.reshape(x, [-1, width]), width };
  }
  if (!isPooled && !window.every((k) => k === 1)) return undefined;
  const axes = b.ints(window.map((_, i) => i + 2));
  const features = b.op("ReduceMean", [x, axes], { keepdims: int(0) });
  return { reads: x, features, width: channels };
}

function unusedName(graph: Graph, stem: string): string {
  const taken = new Set(graph.constants.keys());
  for (let i = 1; ; i++) {
    const name = i === 1 ? stem : `${stem}${i}`;
    if (!taken.has(`${name}.weight`) && !taken.has(`${name}.bias`)) return name;
  }
}
