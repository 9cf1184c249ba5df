import type { Dim } from "../graph.ts";
import { attribute } from "../graph.ts";
import type { InferContext, InferRule, InferTable, Known } from "./known.ts";

const rowsOf = (context: InferContext): Dim => context.dims(0)?.[0] ?? null;

const listed = ({ node }: InferContext, name: string) => {
  const found = node.attributes[name];
  return found?.kind === "ints" || found?.kind === "strings"
    ? found.value.length
    : 0;
};

/** A label and the scores of each row. Pairs of classes may have a score each. */
const classifier =
  (isPaired: (context: InferContext) => boolean): InferRule =>
  (context) => {
    const strings = listed(context, "classlabels_strings");
    const classes =
      strings ||
      listed(context, "classlabels_ints") ||
      listed(context, "classlabels_int64s");
    const width =
      classes > 2 && isPaired(context)
        ? (classes * (classes - 1)) / 2
        : classes;
    const rows = rowsOf(context);
    return [
      { type: strings ? "string" : "int64", dims: [rows] },
      { type: "float32", dims: [rows, width || null] },
    ];
  };

const regressor =
  (targets: string): InferRule =>
  (context) => [
    { type: "float32", dims: [rowsOf(context), context.int(targets, 1)] },
  ];

const sameShape: InferRule = (context): Known[] => [
  { type: "float32", dims: context.dims(0) },
];

/** What is known of the operators of scikit-learn's models, by `domain.Operator`. */
export const classicalOps: InferTable = {
  "ai.onnx.ml.LinearClassifier": classifier(() => false),
  "ai.onnx.ml.TreeEnsembleClassifier": classifier(() => false),
  // Without probabilities there is a score for each pair of classes.
  "ai.onnx.ml.SVMClassifier": classifier(
    ({ node }) => attribute(node, "prob_a", "floats", []).length === 0,
  ),
  "ai.onnx.ml.LinearRegressor": regressor("targets"),
  "ai.onnx.ml.TreeEnsembleRegressor": regressor("n_targets"),
  "ai.onnx.ml.SVMRegressor": regressor("n_targets"),
  "ai.onnx.ml.Scaler": sameShape,
  "ai.onnx.ml.Normalizer": sameShape,
  "ai.onnx.ml.ArrayFeatureExtractor": (context) => {
    const data = context.dims(0);
    const count = context.dims(1)?.at(-1) ?? null;
    const type = context.inputs[0]?.type;
    if (!data) return [{ type }];
    return [
      {
        type,
        dims: data.length === 1 ? [1, count] : [...data.slice(0, -1), count],
      },
    ];
  },
};
