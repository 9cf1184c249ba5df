import { AssayError, type Random } from "#core";
import {
  attribute,
  describeNode,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  int,
  prune,
} from "#onnx";
import { featuresAt } from "./cuts.ts";
import { activationOps } from "./features.ts";
import type { Model } from "./model.ts";
import type { Task } from "./tasks/index.ts";

/**
 * The model with a new linear head for other outputs: instead of its last
 * linear layer, or of all that follows a cut.
 *
 * New weights are drawn as PyTorch draws them for a linear layer, uniform
 * within 1 / sqrt(features).
 *
 * @param cut a layer group or a value whose features the head reads (see `featuresAt`)
 * @param task what its outputs mean; a classifier when left out
 * @throws HEAD_UNKNOWN when no cut is given and the model does not end in Gemm, or MatMul and Add
 */
export function replaceHead(
  model: Model,
  classes: readonly string[],
  random: Random,
  cut?: string,
  task?: Task,
): Model {
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
  };
}

/** What a head reads: a value [N, width]. */
export interface Features {
  readonly features: string;
  readonly width: number;
}

/** A model without its last linear layer, or without all that follows a cut, so that a new head may have its names. */
export function bodyOf(
  model: Model,
  cut?: string,
): Features & { graph: Graph } {
  const { graph, features, width } =
    cut === undefined
      ? { graph: model.graph, ...findHead(model.graph, model.logits) }
      : featuresAt(model.graph, cut);
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
 * The value that the last linear layer of a model reads: its features, [N, width].
 *
 * @throws HEAD_UNKNOWN
 */
export const headInput = ({ graph, logits }: Model): string =>
  findHead(graph, logits).features;

/** The same before its activation, where it has one. */
export function neuronsOf(model: Model): string {
  const features = headInput(model);
  const maker = model.graph.nodes.find((n) => n.outputs.includes(features));
  return maker && activationOps.has(maker.op) ? maker.inputs[0]! : features;
}

/** What may stand behind the head: models of half precision end in a Cast, those of one output in a Squeeze. */
const passed: ReadonlySet<string> = new Set([
  "Cast",
  "Identity",
  "Squeeze",
  "Unsqueeze",
]);

/** The value that the last linear layer reads, and its number of features. */
function findHead(
  graph: Graph,
  logits: string,
): { features: string; width: number } {
  const producer = (name: string) =>
    graph.nodes.find((n) => n.outputs.includes(name));
  let last = producer(logits);
  // Two logits may have been made of one.
  while (
    last &&
    (passed.has(last.op) || last.outputs[0]?.startsWith("output/"))
  )
    last = producer(last.inputs[0] ?? "");
  const linear =
    last?.op === "Add"
      ? last.inputs.map(producer).find((n) => n?.op === "MatMul")
      : last;
  const weightName = linear?.inputs[1];
  const weight = weightName ? graph.constants.get(weightName) : undefined;
  const features = linear?.inputs[0];
  if (
    !linear ||
    !features ||
    weight?.dims.length !== 2 ||
    !["Gemm", "MatMul"].includes(linear.op)
  ) {
    throw new AssayError(
      "HEAD_UNKNOWN",
      `the head of the model is ${last ? describeNode(last) : "missing"}, expected a linear layer (Gemm, or MatMul and Add)`,
      "Export the model so that it ends in its last linear layer, or name a cut: the layer group whose features a new head reads.",
    );
  }
  const transposed = attribute(linear, "transB", "int", 0);
  return { features, width: weight.dims[transposed ? 1 : 0] ?? 0 };
}

function unusedName(graph: Graph, stem: string): string {
  const taken = new Set(graph.constants.keys());
  for (let i = 1; ; i++) {
    const name = i === 1 ? stem : `${stem}${i}`;
    if (!taken.has(`${name}.weight`) && !taken.has(`${name}.bias`)) return name;
  }
}
