import { AssayError } from "#core";
import {
  attribute,
  describeNode,
  type Graph,
  GraphBuilder,
  prune,
  type ValueInfo,
} from "#onnx";

/** Probabilities this small are taken for the smallest: their logarithm has to be a number. */
const SMALLEST = 1e-12;

/**
 * The graph cut at its logits: the model's output, what goes into the Softmax
 * that ends it, or the logarithm of the probabilities that a scikit-learn
 * model gives (whose softmax they are).
 *
 * @param classic whether the scores are probabilities (see `isClassic`)
 * @throws MODEL_OUTPUT
 */
export function findLogits(
  graph: Graph,
  file: string,
  classic: boolean,
): { logits: string; cut: Graph } {
  const b = new GraphBuilder(graph, "output/");
  const output = scores(graph, b);
  if (!output) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} has no tensor of floats as output`,
      "Export the model with its logits as output.",
    );
  }
  const maker = (name: string) =>
    graph.nodes.find((n) => n.outputs.includes(name));
  let last = maker(output.name);
  while (last?.op === "Identity" && last.domain === "")
    last = maker(last.inputs[0] ?? "");
  if (last?.op === "Softmax" && last.domain === "") {
    const logits = last.inputs[0] as string;
    const info: ValueInfo = { name: logits, type: "float32" };
    return { logits, cut: prune({ ...graph, outputs: [info] }) };
  }
  if (classic) {
    const certain = b.op("Clip", [
      output.name,
      b.scalar(SMALLEST),
      b.scalar(1),
    ]);
    const logits = b.op("Log", [certain]);
    return { logits, cut: prune(b.build([logits])) };
  }
  if (last?.op === "Sigmoid") {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} ends in ${describeNode(last)}: binary and multi-label heads are not supported`,
      "Export the model with one logit for each class.",
    );
  }
  return { logits: output.name, cut: prune({ ...graph, outputs: [output] }) };
}

/** The first output of floats; scikit-learn models give labels first, and hide the scores in a ZipMap. */
function scores(graph: Graph, b: GraphBuilder): ValueInfo | undefined {
  const outputs = graph.outputs.filter((o) => o.type === "float32");
  if (outputs[0]) return outputs[0];
  const map = graph.nodes.find((n) => n.op === "ZipMap");
  return map && b.info(map.inputs[0] as string);
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

/** The names of the classes: stated, or their numbers. Throws MODEL_OUTPUT. */
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
      "Assay audits classifiers: export the model with logits [batch, classes].",
    );
  }
  if (stated) {
    if (typeof count === "number" && count !== stated.length) {
      throw new AssayError(
        "MODEL_OUTPUT",
        `${file} has ${count} classes, ${stated.length} names were given (${stated.join(", ")})`,
        "Give one name for each output of the model, in its order.",
      );
    }
    return stated;
  }
  if (typeof count !== "number") {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file}: the number of classes is not recorded`,
      "State the classes in the suite, in the order of the outputs.",
    );
  }
  return Array.from({ length: count }, (_, i) => String(i));
}
