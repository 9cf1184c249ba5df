import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, cutsOf, layerGroups, replaceHead } from "#model";
import { type FloatTensor, GraphBuilder } from "#onnx";
import { untrained } from "../reference.ts";
import { exported } from "./exported.ts";

const names = (of: Parameters<typeof cutsOf>[0]) =>
  cutsOf(of).map(({ group }) => group);

test("a chain can be cut behind every layer but the head, after activation and pooling", () => {
  const { graph } = untrained();
  expect(cutsOf(graph)).toEqual([
    { group: "conv1", value: "pool1" },
    { group: "conv2", value: "flatten" },
    { group: "hidden", value: "relu3" },
  ]);
});

test("no cut where a shortcut runs past", () => {
  const { model } = exported("resnet.torchscript");
  const cuts = names(model.graph);
  expect(cuts).toContain("stem.0");
  // Inside a block its input is still needed.
  expect(cuts).not.toContain("blocks.0.conv1");
  expect(cuts).toContain("blocks.0.conv2");
});

describe.each([
  ["resnet.torchscript", "blocks.0.conv2"],
  ["squeezenet.torchscript", "features.4.expand3x3"],
  ["vit.dynamo", "encoder.layers.encoder_layer_0.mlp.3"],
  ["convnext.dynamo", undefined],
])("a new head on %s behind %s", (name, cut) => {
  test("answers for its classes, and its layers are those before the cut", async () => {
    const { model, x } = exported(name);
    const headed = replaceHead(model, ["a", "b", "c"], new Random(1), cut);
    const compiled = await compile(headed, onnxruntime);
    const { dims, data } = await compiled.logits(x as FloatTensor);
    await compiled.release();
    expect(dims).toEqual([x.dims[0], 3]);
    expect(data.every(Number.isFinite)).toBe(true);
    const groups = layerGroups(headed.graph).map((g) => g.name);
    expect(groups.at(-1)).toBe("head");
    if (cut) expect(groups.at(-2)).toBe(cut);
  });
});

test("images are averaged over their pixels, and a value may be named", async () => {
  const model = untrained();
  const headed = replaceHead(model, ["a", "b"], new Random(1), "pool1");
  const b = new GraphBuilder(headed.graph);
  expect(b.constantOf("head.weight")?.dims).toEqual([2, 16]);
  expect(headed.graph.nodes.map((n) => n.op)).toEqual([
    "Conv",
    "Relu",
    "MaxPool",
    "ReduceMean",
    "Gemm",
  ]);
});

test("an unknown cut is refused with those there are", () => {
  const at = (cut: string) => () =>
    replaceHead(untrained(), ["a", "b"], new Random(1), cut);
  expect(at("hiden")).toThrow('cannot be cut behind "hiden"');
  expect(at("hiden")).toThrow(
    expect.objectContaining({
      hint: 'Did you mean "hidden"? It can be cut behind conv1, conv2, hidden.',
    }),
  );
});
