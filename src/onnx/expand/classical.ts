import type { GraphBuilder } from "../builder.ts";
import { attribute, int, type Node } from "../graph.ts";
import { floats, int64s, tensor } from "../tensor.ts";
import {
  cannotExpand,
  type ExpandContext,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";

/**
 * What scikit-learn's models become (ai.onnx.ml). Their outputs are float32
 * whatever goes in.
 */
const asFloat = (b: GraphBuilder, x: string) =>
  b.type(x) === "float32" ? x : b.cast(x, "float32");

const row = (b: GraphBuilder, values: readonly number[]) =>
  b.constant(floats([values.length], values));

const scaler: Expansion = ({ b, node, inputs: [x = ""] }) => {
  const offset = attribute(node, "offset", "floats", [0]);
  const scale = attribute(node, "scale", "floats", [1]);
  return [b.mul(b.sub(asFloat(b, x), row(b, offset)), row(b, scale))];
};

/** Each row divided by its largest number, its sum of sizes, or its length. */
const normalizer: Expansion = ({ b, node, inputs: [given = ""] }) => {
  const x = asFloat(b, given);
  const norm = attribute(node, "norm", "string", "MAX");
  const op = { MAX: "ReduceMax", L1: "ReduceL1", L2: "ReduceL2" }[norm];
  if (!op) {
    throw cannotExpand(
      node,
      `its norm "${norm}" is not known`,
      "Export the model with max, l1 or l2.",
    );
  }
  const size = b.op(op, [x, b.ints([1])], { keepdims: int(1) });
  return [b.div(x, b.where(b.equal(size, 0), 1, size))];
};

/** Missing numbers replaced: those that are NaN, or equal to a mark. */
const imputer: Expansion = ({ b, node, inputs: [x = ""] }) => {
  const mark = attribute(node, "replaced_value_float", "float", Number.NaN);
  const values = attribute(node, "imputed_value_floats", "floats", undefined);
  if (!values || b.type(x) !== "float32") {
    throw cannotExpand(
      node,
      "it replaces whole numbers",
      "Export the model with float inputs.",
    );
  }
  const missing = Number.isNaN(mark) ? b.op("IsNaN", [x]) : b.equal(x, mark);
  return [b.where(missing, row(b, values), x)];
};

/**
 * Scores of each class by a linear layer: [batch, rows of coefficients]. Coefficients
 * beyond the columns of x are not read, as in onnxruntime.
 */
function linear({ b, node, inputs: [x = ""] }: ExpandContext, rows: number) {
  const coefficients = attribute(node, "coefficients", "floats", []);
  const intercepts = attribute(node, "intercepts", "floats", []);
  const given = b.dims(x)?.[1];
  const most = Math.floor(coefficients.length / rows);
  const columns = typeof given === "number" ? Math.min(given, most) : most;
  const weight = new Float32Array(columns * rows);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      weight[c * rows + r] = coefficients[r * columns + c]!;
  const product = b.matmul(
    asFloat(b, x),
    b.constant(floats([columns, rows], weight)),
  );
  return intercepts.length ? b.add(product, row(b, intercepts)) : product;
}

const linearRegressor: Expansion = (context) => {
  const { node } = context;
  refuseTransform(node, ["NONE"]);
  return [linear(context, attribute(node, "targets", "int", 1))];
};

/**
 * Labels and scores of a linear model. Two classes may share one row of coefficients.
 */
const linearClassifier: Expansion = (context) => {
  const { b, node } = context;
  refuseTransform(node, ["NONE", "LOGISTIC", "SOFTMAX"]);
  const transform = attribute(node, "post_transform", "string", "NONE");
  const names = attribute(node, "classlabels_strings", "strings", []);
  const labels = attribute(node, "classlabels_ints", "ints", []);
  const classes = Math.max(names.length, labels.length);
  const rows = attribute(node, "intercepts", "floats", []).length || classes;
  const scores = linear(context, rows);
  const single = rows === 1 && classes === 2;
  const probabilities = single
    ? ofOneScore(b, scores, transform)
    : ofScores(b, scores, transform);
  const best = b.op("ArgMax", [probabilities], {
    axis: int(1),
    keepdims: int(0),
  });
  const table = names.length
    ? tensor("string", [names.length], [...names])
    : int64s(labels);
  return [b.op("Gather", [b.constant(table), best]), probabilities];
};

/**
 * The two classes of one score: the softmax of 0 and the score is the
 * logistic function of it.
 */
function ofOneScore(b: GraphBuilder, score: string, transform: string): string {
  if (transform === "NONE") return b.concat([b.neg(score), score], 1);
  const both = b.concat([b.mul(score, 0), score], 1);
  return b.op("Softmax", [both], { axis: int(1) });
}

function ofScores(b: GraphBuilder, scores: string, transform: string): string {
  if (transform === "LOGISTIC") return b.sigmoid(scores);
  return transform === "SOFTMAX"
    ? b.op("Softmax", [scores], { axis: int(1) })
    : scores;
}

function refuseTransform(node: Node, known: readonly string[]): void {
  const transform = attribute(node, "post_transform", "string", "NONE");
  if (known.includes(transform)) return;
  throw cannotExpand(
    node,
    `its post_transform ${transform} is not supported`,
    "Export the model with logistic or softmax scores.",
  );
}

export const classical: ExpansionTable = {
  "ai.onnx.ml.Scaler": scaler,
  "ai.onnx.ml.Normalizer": normalizer,
  "ai.onnx.ml.Imputer": imputer,
  "ai.onnx.ml.LinearRegressor": linearRegressor,
  "ai.onnx.ml.LinearClassifier": linearClassifier,
  "ai.onnx.ml.Binarizer": ({ b, node, inputs: [x = ""] }) => [
    b.cast(
      b.greater(asFloat(b, x), attribute(node, "threshold", "float", 0)),
      "float32",
    ),
  ],
  "ai.onnx.ml.FeatureVectorizer": ({ b, inputs }) => [
    b.concat(
      inputs.map((x) => asFloat(b, x)),
      1,
    ),
  ],
  "ai.onnx.ml.ArrayFeatureExtractor": ({ b, inputs: [x = "", at = ""] }) => [
    b.op("Gather", [x, b.reshape(b.cast(at, "int64"), [-1])], {
      axis: int(-1),
    }),
  ],
};
