import { AssayError } from "#core";
import {
  attribute,
  axisOf,
  type Graph,
  GraphBuilder,
  int,
  type Node,
  prune,
  shapeText,
} from "#onnx";
import { comesFrom, type Makers, makersOf } from "../ancestry.ts";
import { isPlaced, type Task } from "../tasks/index.ts";
import { chooseOutput, widthOf } from "./choose.ts";
import { featuresBy, type Pool, pooled } from "./features.ts";
import type { Found, Source } from "./found.ts";
import { positionsOf } from "./positions.ts";
import type { Scores } from "./scores.ts";
import { logOf, sharesIn } from "./shares.ts";

/** What is known of a model's outputs before they are looked at. */
export interface Stated {
  readonly task?: Task;
  readonly classes?: readonly string[];
  readonly scores: Scores;
  /**
   * How features at places become one row, where the output is to be taken as features.
   */
  readonly pool?: Pool;
  /** Token ids, where the model is one of text. */
  readonly ids?: string;
  /** The token that fills up short texts. */
  readonly padding: number;
  /** The shape of one sample. */
  readonly shape: readonly number[];
}

/**
 * The graph cut at its logits: the model's output, what goes into the Softmax,
 * LogSoftmax or Sigmoid that ends it, or the logarithm of the probabilities that a
 * scikit-learn model gives (whose softmax they are). A single logit z becomes
 * the two -z/2 and z/2, whose softmax is its sigmoid. Values stay as they are.
 *
 * @throws MODEL_OUTPUT, MODEL_FEATURES, POOL
 */
export function findLogits(graph: Graph, file: string, stated: Stated): Found {
  const b = new GraphBuilder(graph, "output/");
  refuseDetector(graph, file);
  const chosen = chooseOutput(graph, b, stated, file);
  const { name } = chosen.output;
  if (isPlaced(stated.task)) {
    const task = { ...stated, task: stated.task, file };
    const { source, ...found } = positionsOf(graph, b, name, task);
    return {
      ...found,
      cut: prune(b.build([found.logits])),
      source: { ...chosen, ...source, reversed: false },
    };
  }
  const end = endOf(graph, b, name);
  const inside = end ? undefined : sharesIn(graph, b, name);
  const why = end || inside ? undefined : featuresOf(graph, b, name, stated);
  if (why !== undefined) {
    if (stated.classes) throw noAnswers(file, name, why, stated.classes);
    const features = pooled(b, name, { ...stated, file });
    return {
      logits: features,
      cut: prune(b.build([features])),
      features: true,
      source: {
        ...chosen,
        why,
        reversed: false,
        shares: false,
        from: "features",
      },
    };
  }
  refusePositions(b, name, stated.task, file);
  // A classifier of classical learning gives shares of classes, whatever makes them.
  const { reversed } = stated.scores;
  const shares = stated.scores.shares || inside !== undefined;
  const isSigmoid = end?.node.op === "Sigmoid" && !(shares && !stated.task);
  const isOne = widthOf(b.dims(name)) === 1;
  const holds = isSigmoid || inside === "sigmoid" || (isOne && inside);
  const task = taskOf(stated, { b, output: name, holds: !!holds, file });
  const at = (value: string, from: Source["from"]): Found => {
    const logits = reversed && !task ? swapped(b, value) : value;
    return {
      logits,
      cut: prune(b.build([logits])),
      task: task && isKept(task) ? task : undefined,
      source: {
        ...chosen,
        reversed: reversed && !task,
        shares: isSigmoid || (shares && task?.kind !== "regression"),
        from,
      },
    };
  };
  const isSoftmax = end !== undefined && end.node.op !== "Sigmoid";
  if (task?.kind === "multi-label" && (isSoftmax || inside === "softmax")) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} ends in a ${end?.node.op ?? "Softmax"}: its outputs are shares of one class, not labels that hold by themselves`,
      "Remove task: { kind: multi-label } from the suite, or export the model with a logit for each label.",
    );
  }
  if (task?.kind === "regression") return at(asMatrix(b, name), "output");
  if (isSoftmax && !task)
    return at(
      asMatrix(b, before(end, b)),
      end.node.op === "Softmax" ? "softmax" : "log-softmax",
    );
  const score = isSigmoid
    ? before(end, b)
    : shares
      ? logOf(b, name, task !== undefined)
      : name;
  if (task?.kind === "binary") return at(twoLogits(b, score), "one logit");
  if (isSigmoid) return at(asMatrix(b, score), "sigmoid");
  return at(asMatrix(b, score), shares ? "probabilities" : "output");
}

/**
 * Why an output is taken as features for a head to come; undefined when it is to
 * answer.
 */
function featuresOf(
  graph: Graph,
  b: GraphBuilder,
  output: string,
  { pool, task, classes }: Stated,
): string | undefined {
  if (pool) return `pool: ${pool} was stated`;
  if (task || (classes && widthOf(b.dims(output)) === classes.length))
    return undefined;
  return featuresBy(graph, b, output);
}

const noAnswers = (
  file: string,
  output: string,
  why: string,
  classes: readonly string[],
) =>
  new AssayError(
    "MODEL_FEATURES",
    `${file}: output "${output}" gives features (${why}), no answer for each of ${classes.length} classes`,
    "Use it as base: a strategy puts a head on it and fine-tunes it.",
  );

const swapped = (b: GraphBuilder, two: string) =>
  b.op("Gather", [two, b.ints([1, 0])], { axis: int(1) });

/**
 * What ends a model: the node, and those that only arrange or round its numbers behind
 * it, the first of them first.
 */
interface End {
  readonly node: Node;
  readonly behind: readonly Node[];
}

/** What arranges numbers. */
const arranges: ReadonlySet<string> = new Set(
  "Flatten Reshape Squeeze Unsqueeze".split(" "),
);

/** What leaves the order of numbers as it is. */
const keeps: ReadonlySet<string> = new Set(
  "Cast Clip DequantizeLinear Identity QuantizeLinear".split(" "),
);

/**
 * The Softmax over the classes, LogSoftmax or Sigmoid that a value comes from;
 * undefined when it ends in something else.
 */
function endOf(graph: Graph, b: GraphBuilder, value: string): End | undefined {
  const makers = makersOf(graph);
  const behind: Node[] = [];
  let node = makers.get(value);
  while (node?.domain === "" && (arranges.has(node.op) || keeps.has(node.op))) {
    behind.unshift(node);
    node = makers.get(node.inputs[0] ?? "");
  }
  if (node?.domain !== "") return undefined;
  const written = writtenOut(node, makers);
  if (written) return { node: written, behind };
  if (node.op === "Sigmoid") return { node, behind };
  if (node.op !== "Softmax" && node.op !== "LogSoftmax") return undefined;
  const dims = b.dims(node.inputs[0] ?? "");
  const axis = dims && axisOf(attribute(node, "axis", "int", -1), dims.length);
  const width = widthOf(b.dims(value));
  const isClasses =
    axis === undefined || width === undefined || dims?.[axis] === width;
  return isClasses ? { node, behind } : undefined;
}

/**
 * The Softmax that exponentials divided by their sum are; undefined for another node.
 */
function writtenOut(node: Node, makers: Makers): Node | undefined {
  const [share = "", sum = ""] = node.inputs;
  const exp = makers.get(share);
  const sums = ({ op }: Node) => op === "ReduceSum";
  if (node.op !== "Div" || exp?.op !== "Exp") return undefined;
  if (!comesFrom(sum, share, makers, sums)) return undefined;
  const [z = ""] = exp.inputs;
  // Exporters take the largest from all first, which changes nothing.
  const shifted = makers.get(z);
  const [whole = z, most = ""] = shifted?.op === "Sub" ? shifted.inputs : [];
  const largest = ({ op }: Node) => op === "ReduceMax";
  const isShift = comesFrom(most, whole, makers, largest);
  return {
    ...node,
    op: "Softmax",
    inputs: [isShift ? whole : z],
    attributes: { axis: int(-1) },
  };
}

/** What goes into the end of a model, arranged as its output is. */
function before({ node, behind }: End, b: GraphBuilder): string {
  let value = node.inputs[0]!;
  if (b.dims(value)?.length === 2) return value;
  for (const { op, inputs, attributes } of behind)
    if (arranges.has(op))
      value = b.op(op, [value, ...inputs.slice(1)], attributes);
  return value;
}

const isKept = ({ kind }: Task) =>
  kind === "multi-label" || kind === "regression";

/**
 * The task of a model: stated, or told by its outputs. Undefined for a
 * classifier with a logit for each class.
 */
function taskOf(
  { task, classes, scores }: Stated,
  {
    b,
    output,
    holds,
    file,
  }: { b: GraphBuilder; output: string; holds: boolean; file: string },
): Task | undefined {
  const count = widthOf(b.dims(output));
  const isOne = count === 1;
  if (task?.kind === "binary" && count !== undefined && !isOne) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} has ${count} outputs, a binary model has one`,
      "State task: { kind: classes } or { kind: multi-label } instead.",
    );
  }
  if (task) return task.kind === "classes" ? undefined : task;
  if (isOne && (holds || classes?.length === 2)) return { kind: "binary" };
  if (holds && !scores.chooses) return { kind: "multi-label", flips: 1 };
  if (isOne) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} gives one number and no Sigmoid: it may be the logit of two classes, or a value`,
      "State task: { kind: binary } or { kind: regression, tolerance: ... } in the suite.",
    );
  }
  return undefined;
}

/** A model that gives boxes around what it finds answers no class of the whole. */
function refuseDetector({ nodes, outputs }: Graph, file: string): void {
  const isBox = (name: string) => /(^|[^a-z])b?box(es)?([^a-z]|$)/i.test(name);
  const boxes = outputs.find(({ name }) => isBox(name));
  const chosen = nodes.find(({ op }) => /NonMaxSuppression|NMS/.test(op));
  if (!boxes && !chosen) return;
  throw new AssayError(
    "MODEL_OUTPUT",
    `${file} is a detection model: ${boxes ? `its output "${boxes.name}" holds boxes` : `${chosen?.op} chooses among boxes`}`,
    "Only classifiers and models of values are audited; name the output of one with output: in the suite, if it has one.",
  );
}

/** A model that answers at every place of its input answers no class of the whole. */
function refusePositions(
  b: GraphBuilder,
  output: string,
  task: Task | undefined,
  file: string,
): void {
  const dims = b.dims(output) ?? [];
  const long = dims.slice(1).filter((d) => d !== 1);
  if (long.length < 2 || task?.kind === "regression") return;
  const what =
    dims.length > 3
      ? "at each pixel (segmentation)"
      : "at each place (tagging, or one box each of a detector)";
  throw new AssayError(
    "MODEL_OUTPUT",
    `${file}: output "${output}" has shape ${shapeText(dims)}, an answer ${what}, expected [batch, classes]`,
    "State task: { kind: positions, least: 0.9 } to audit a class at each, task: { kind: ctc } for a sequence without an alignment, or name another output with output: in the suite. To put a head on features, state pool: average for maps, cls or mean for tokens.",
  );
}

/**
 * One row for each sample: further axes of one are left out, and one column where there
 * was no second axis.
 */
function asMatrix(b: GraphBuilder, value: string): string {
  const dims = b.dims(value);
  const width = widthOf(dims);
  if (!dims || dims.length === 2 || width === undefined) return value;
  return dims.length === 1
    ? b.unsqueeze(value, [1])
    : b.reshape(value, [-1, width]);
}

/** The logits of two classes from that of the second: [-z/2, z/2]. */
export function twoLogits(b: GraphBuilder, z: string): string {
  const column = b.reshape(z, [-1, 1]);
  return b.concat([b.mul(column, -0.5), b.mul(column, 0.5)], 1);
}
