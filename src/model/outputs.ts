import { AssayError } from "#core";
import {
  attribute,
  type Graph,
  GraphBuilder,
  prune,
  type ValueInfo,
} from "#onnx";
import type { Task } from "./tasks/index.ts";

/** Probabilities this small are taken for the smallest: their logarithm has to be a number. */
const SMALLEST = 1e-12;

/** What is known of a model's outputs before they are looked at. */
export interface Stated {
  readonly task?: Task;
  readonly classes?: readonly string[];
  /** Whether the scores are probabilities (see `isClassic`). */
  readonly classic: boolean;
}

/** A graph that ends in what a task is judged by. */
export interface Found {
  readonly logits: string;
  readonly cut: Graph;
  /** A classifier when left out. */
  readonly task?: Task;
}

/**
 * The graph cut at its logits: the model's output, what goes into the Softmax or
 * Sigmoid that ends it, or the logarithm of the probabilities that a
 * scikit-learn model gives (whose softmax they are). A single logit z becomes
 * the two -z/2 and z/2, whose softmax is its sigmoid. Values stay as they are.
 *
 * @throws MODEL_OUTPUT
 */
export function findLogits(graph: Graph, file: string, stated: Stated): Found {
  const b = new GraphBuilder(graph, "output/");
  const output = scores(graph, b);
  if (!output) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} has no tensor of floats as output`,
      "Export the model with its logits as output.",
    );
  }
  const last = lastOf(graph, output.name, ["Identity"]);
  const sigmoid = lastOf(graph, output.name, shapeless);
  // A classifier of classical learning gives shares of classes, whatever makes them.
  const isShares = stated.classic && !stated.task;
  const isSigmoid =
    sigmoid?.op === "Sigmoid" && sigmoid.domain === "" && !isShares;
  const task = taskOf(stated, { b, output: output.name, isSigmoid, file });
  const at = (logits: string): Found => ({
    logits,
    cut: prune(b.build([logits])),
    task: task && isKept(task) ? task : undefined,
  });
  if (task?.kind === "multi-label" && last?.op === "Softmax") {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} ends in a Softmax: its outputs are shares of one class, not labels that hold by themselves`,
      "Remove task: { kind: multi-label } from the suite, or export the model with a logit for each label.",
    );
  }
  if (task?.kind === "regression") return at(asMatrix(b, output.name));
  if (last?.op === "Softmax" && last.domain === "" && !task)
    return at(last.inputs[0]!);
  const before = isSigmoid ? sigmoid.inputs[0]! : output.name;
  if (task?.kind === "binary") return at(twoLogits(b, before));
  if (isSigmoid) return at(asMatrix(b, before));
  if (!stated.classic) return at(output.name);
  const log = (p: string) =>
    b.op("Log", [b.op("Clip", [p, b.scalar(SMALLEST), b.scalar(1)])]);
  const yes = log(output.name);
  return at(task ? b.sub(yes, log(b.sub(1, output.name))) : yes);
}

/** What only arranges numbers. */
const shapeless = ["Identity", "Squeeze", "Reshape", "Flatten"];

/** The node that makes a value, past such operators. */
function lastOf(graph: Graph, value: string, past: readonly string[]) {
  const maker = (name: string) =>
    graph.nodes.find((n) => n.outputs.includes(name));
  let last = maker(value);
  while (last && past.includes(last.op) && last.domain === "")
    last = maker(last.inputs[0] ?? "");
  return last;
}

const isKept = ({ kind }: Task) =>
  kind === "multi-label" || kind === "regression";

/**
 * The task of a model: stated, or told by its outputs. Undefined for a
 * classifier with a logit for each class.
 */
function taskOf(
  { task, classes }: Stated,
  {
    b,
    output,
    isSigmoid,
    file,
  }: { b: GraphBuilder; output: string; isSigmoid: boolean; file: string },
): Task | undefined {
  const dims = b.dims(output);
  const count = dims?.length === 1 ? 1 : dims?.[1];
  const isOne = count === 1;
  if (task?.kind === "binary" && typeof count === "number" && !isOne) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} has ${count} outputs, a binary model has one`,
      "State task: { kind: classes } or { kind: multi-label } instead.",
    );
  }
  if (task) return task.kind === "classes" ? undefined : task;
  if (isOne && (isSigmoid || classes?.length === 2)) return { kind: "binary" };
  if (isSigmoid) return { kind: "multi-label", flips: 1 };
  if (isOne) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} gives one number and no Sigmoid: it may be the logit of two classes, or a value`,
      "State task: { kind: binary } or { kind: regression, tolerance: ... } in the suite.",
    );
  }
  return undefined;
}

/** One column where there was no second dimension. */
const asMatrix = (b: GraphBuilder, value: string) =>
  b.dims(value)?.length === 1 ? b.unsqueeze(value, [1]) : value;

/** The logits of two classes from that of the second: [-z/2, z/2]. */
export function twoLogits(b: GraphBuilder, z: string): string {
  const column = b.reshape(z, [-1, 1]);
  return b.concat([b.mul(column, -0.5), b.mul(column, 0.5)], 1);
}

/** The first output of floats; scikit-learn models give labels first, and hide the scores in a ZipMap. */
function scores(graph: Graph, b: GraphBuilder): ValueInfo | undefined {
  const outputs = graph.outputs.filter((o) => o.type === "float32");
  if (outputs[0]) return outputs[0];
  const map = graph.nodes.find((n) => n.op === "ZipMap");
  return map && b.info(map.inputs[0]!);
}

/**
 * Whether the scores are probabilities of a model of classical learning
 * (scikit-learn's, by skl2onnx), rather than the raw scores of a linear
 * classifier that nothing turns into shares.
 */
export function isClassic({ nodes }: Graph): boolean {
  const own = nodes.filter((n) => n.domain === "ai.onnx.ml");
  const linear = own.find((n) => n.op === "LinearClassifier");
  const raw =
    linear !== undefined &&
    attribute(linear, "post_transform", "string", "NONE") === "NONE" &&
    !own.some((n) => n.op === "Normalizer");
  return own.length > 0 && !raw;
}

/** The names of the outputs: stated, or their numbers. Throws MODEL_OUTPUT. */
export function classNames(
  graph: Graph,
  logits: string,
  stated: readonly string[] | undefined,
  file: string,
): readonly string[] {
  const dims = new GraphBuilder(graph).dims(logits);
  const count = dims?.length === 2 ? dims[1] : undefined;
  if (dims && dims.length !== 2) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file}: output "${logits}" has shape [${dims.join(", ")}], expected [batch, classes]`,
      "Export the model with logits or values [batch, outputs].",
    );
  }
  if (stated) {
    if (typeof count === "number" && count !== stated.length) {
      throw new AssayError(
        "MODEL_OUTPUT",
        `${file} has ${count} outputs, ${stated.length} names were given (${stated.join(", ")})`,
        "Give one name for each output of the model, in its order.",
      );
    }
    return stated;
  }
  if (typeof count !== "number") {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file}: the number of outputs is not recorded`,
      "State the classes in the suite, in the order of the outputs.",
    );
  }
  return Array.from({ length: count }, (_, i) => String(i));
}
