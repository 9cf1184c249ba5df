import { describe, expect, test } from "vitest";
import {
  emptyGraph,
  floats,
  type Graph,
  GraphBuilder,
  normalise,
  readModel,
  toFloat32,
} from "#onnx";
import { type FamilyId, familyOf } from "../../src/model/family.ts";
import { featuresOf } from "../../src/model/features.ts";
import { pathOf } from "./exported.ts";

const guess = (source: Graph) =>
  familyOf(featuresOf(source, normalise(toFloat32(source))));

const table: Readonly<Partial<Record<FamilyId, string>>> = {
  "vision-transformer":
    "deit.dynamo deit.torchscript vit.dynamo vit.opset23.dynamo vit.optimised vit.torchscript",
  "hierarchical-vision-transformer":
    "swin.dynamo swin.opset14.torchscript swin.optimised swin.torchscript",
  "sequence-transformer": "attention.keras",
  "text-encoder":
    "bert-pair.dynamo bert-pair.torchscript bert.dynamo bert.fused bert.optimised bert.torchscript distilbert-default.dynamo distilbert-default.torchscript distilbert.dynamo distilbert.torchscript roberta.dynamo roberta.torchscript",
  decoder:
    "gpt2-lm.dynamo gpt2-lm.torchscript gpt2.dynamo gpt2.optimised gpt2.torchscript llama-default.dynamo llama-default.torchscript llama.dynamo llama.torchscript",
  recurrent:
    "gru.dynamo gru.keras gru.torchscript lstm.dynamo lstm.keras lstm.torchscript steps.torchscript",
  "depthwise-separable":
    "efficientnet.dynamo efficientnet.torchscript mobilenet-v2.dynamo mobilenet-v2.optimised mobilenet-v2.torchscript mobilenet-v3.dynamo mobilenet-v3.torchscript",
  convnext: "convnext.dynamo convnext.optimised convnext.torchscript",
  densenet: "densenet.dynamo densenet.torchscript",
  unet: "unet.dynamo unet.torchscript",
  resnet:
    "resnet.dynamo resnet.external resnet.one.torchscript resnet.opset11.torchscript resnet.opset13.torchscript resnet.opset9.torchscript resnet.optimised resnet.torchscript",
  inception:
    "inception.dynamo inception.torchscript squeezenet.dynamo squeezenet.torchscript",
  shufflenet: "shufflenet.dynamo shufflenet.torchscript",
  cnn: "bytes.torchscript cnn.keras small.half small.half-weights small.qdq small.qoperator small.torchscript vgg.dynamo vgg.half vgg.torchscript",
  mlp: "loop.torchscript mlp-two.sklearn mlp.dynamo mlp.keras mlp.sklearn mlp.torchscript",
  linear:
    "logistic-normalised.sklearn logistic-two.sklearn logistic.sklearn zipped.sklearn",
};

describe("the family of exported models", () => {
  test.each(
    Object.entries(table).flatMap(([id, names]) =>
      names.split(" ").map((name) => [name, id] as const),
    ),
  )("%s is %s", (name, id) => {
    expect(guess(readModel(pathOf(name))).id).toBe(id);
  });
});

test("the evidence says what was counted", () => {
  const evidence = (name: string) => {
    const { title, evidence: counted } = guess(readModel(pathOf(name)));
    return `${title}: ${counted.join(", ")}`;
  };
  expect(evidence("vit.opset23.dynamo")).toBe(
    "vision transformer: patch embedding Conv 8x8/8, 2 attention blocks, width 16",
  );
  expect(evidence("mobilenet-v3.torchscript")).toBe(
    "depthwise-separable convolutional network (MobileNet/EfficientNet-like): 2 depthwise convolutions, 11 convolutions, 2 squeeze-and-excitation gates, 1 residual connection",
  );
  expect(evidence("lstm.torchscript")).toBe("recurrent network (LSTM): 2 LSTM");
});

const one = (op: string, domain = ""): Graph => {
  const graph = emptyGraph("one");
  const b = new GraphBuilder(graph);
  b.input({ name: "x", type: "float32", dims: ["N", 4] });
  const node = { name: op, op, domain, inputs: ["x"], outputs: ["y"] };
  return {
    ...b.build(),
    nodes: [{ ...node, attributes: {} }],
    outputs: [{ name: "y", type: "float32" }],
  };
};

test("trees and support-vector machines are told by their operators", () => {
  const trees = guess(one("TreeEnsembleClassifier", "ai.onnx.ml"));
  expect(trees.title).toBe("tree ensemble");
  expect(trees.evidence).toContain("steps have no gradient");
  expect(guess(one("SVMClassifier", "ai.onnx.ml")).id).toBe("svm");
});

test("what has no mark is unknown", () => {
  expect(guess(one("Relu"))).toEqual({
    id: "unknown",
    title: "unknown",
    evidence: [],
  });
  expect(guess(one("Mystery", "com.example")).id).toBe("unknown");
});

test("the sum of two powers of one value is no residual connection", () => {
  const b = new GraphBuilder(emptyGraph("net"));
  const x = b.input({ name: "x", type: "float32", dims: ["N", 3, 8, 8] });
  const weight = (n: number) =>
    b.constant(
      floats(
        [4, n, 1, 1],
        Array.from({ length: 4 * n }, (_, i) => i / 9 - 0.3),
      ),
    );
  const y = b.op("Conv", [x, weight(3)]);
  const bent = b.add(y, b.mul(y, b.mul(y, y)));
  const plain = b.op("Conv", [bent, weight(4)]);
  expect(guess(b.build([plain])).id).toBe("cnn");
  expect(guess(b.build([b.add(plain, bent)])).id).toBe("resnet");
});
