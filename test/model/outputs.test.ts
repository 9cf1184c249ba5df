import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import { compile, modelOf } from "#model";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  type Node,
  string,
} from "#onnx";

/** A linear classifier of three classes as skl2onnx writes it: labels first, then scores. */
function linearClassifier(postTransform: string) {
  const b = new GraphBuilder({
    ...emptyGraph("linear"),
    opsets: new Map([
      ["", 18],
      ["ai.onnx.ml", 1],
    ]),
  });
  b.input({ name: "x", type: "float32", dims: ["batch", 2] });
  const node: Node = {
    name: "classifier",
    op: "LinearClassifier",
    domain: "ai.onnx.ml",
    inputs: ["x"],
    outputs: ["label", "scores"],
    attributes: {
      coefficients: { kind: "floats", value: [1, 0, 0, 1, -1, -1] },
      intercepts: { kind: "floats", value: [0, 0.5, 0] },
      classlabels_ints: { kind: "ints", value: [0, 1, 2] },
      multi_class: { kind: "int", value: 1 },
      post_transform: string(postTransform),
    },
  };
  b.append(node);
  return {
    ...b.build([]),
    outputs: [
      { name: "label", type: "int64" as const, dims: ["batch"] },
      { name: "scores", type: "float32" as const, dims: ["batch", 3] },
    ],
  };
}

async function logitsOf(postTransform: string): Promise<FloatTensor> {
  const model = modelOf(linearClassifier(postTransform), "linear.onnx");
  const compiled = await compile(model, onnxruntime);
  const logits = await compiled.logits(floats([1, 2], [0.2, 0.4]));
  await compiled.release();
  return logits;
}

const scores = [0.2, 0.9, -0.6];

test.each([
  ["raw scores", "NONE", (z: number) => z],
  ["what a softmax is taken of", "SOFTMAX", (z: number) => z],
  [
    "the logarithms of other shares",
    "LOGISTIC",
    (z: number) => -Math.log(1 + Math.exp(-z)),
  ],
])("the logits of a linear classifier: %s", async (_name, transform, logit) => {
  const { data } = await logitsOf(transform);
  scores.forEach((z, i) => {
    expect(data[i]).toBeCloseTo(logit(z), 5);
  });
});
