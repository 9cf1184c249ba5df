import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { atEmbedding, compile, layerGroups, type Model, modelOf } from "#model";
import {
  decodeModel,
  emptyGraph,
  encodeModel,
  filled,
  floats,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  string,
  type Tensor,
  tensor,
} from "#onnx";
import { draw } from "../reference.ts";

async function run(graph: Graph, feeds: Record<string, Tensor>) {
  const session = await onnxruntime.load(graph);
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
}

/**
 * Uint8 images [batch, 4, 4, 3], put into channels-first floats in the graph, then
 * one linear layer.
 */
function bytesModel(): Graph {
  const b = new GraphBuilder(emptyGraph("bytes"));
  b.input({ name: "image", type: "uint8", dims: ["batch", 4, 4, 3] });
  const first = b.transpose("image", [0, 3, 1, 2]);
  const unit = b.div(b.cast(first, "float32"), 255);
  const flat = b.reshape(unit, [0, 48]);
  return b.build([
    b.op("Gemm", [flat, b.constant(draw(1, [48, 3]), "weight")], {}, "logits"),
  ]);
}

describe("a model of eight bits that begins with its integers", () => {
  /** Pixels from -128 to 127, of a scale and a zero of their own. */
  const b = new GraphBuilder(emptyGraph("int8"));
  b.input({ name: "image", type: "int8", dims: ["batch", 6] });
  const zero = b.constant(filled("int8", [], -3));
  const pixels = b.op("DequantizeLinear", ["image", b.scalar(0.02), zero]);
  const weight = b.constant(draw(1, [6, 3]), "weight");
  const graph = b.build([b.op("Gemm", [pixels, weight], {}, "logits")]);
  const input = { scale: 255, mean: 128 };
  const x = floats([1, 6], [0, 0.2, 0.4, 0.6, 0.8, 1]);

  test("gets whole numbers, and gradients pass the rounding", async () => {
    const image = tensor(
      "int8",
      [1, 6],
      Int8Array.from(x.data, (v) => Math.round(255 * v) - 128),
    );
    const { logits } = await run(graph, { image });
    const compiled = await compile(
      modelOf(graph, "int8.onnx", { input }),
      onnxruntime,
    );
    const seen = await compiled.lossGradient(x, [0]);
    seen.logits.data.forEach((v, i) => {
      expect(v).toBeCloseTo(logits?.data[i] as number, 4);
    });
    expect(seen.gradient.data.every((g) => g !== 0)).toBe(true);
    await compiled.release();
  });

  test("is refused where the suite does not say which integers they are", () => {
    expect(() => modelOf(graph, "int8.onnx")).toThrow(
      /which int8 its input "image" has for 0 and for 1 is not known/,
    );
  });
});

describe("a model of uint8 images, channels last, with its preprocessing inside", () => {
  const graph = bytesModel();
  const model = modelOf(graph, "bytes.onnx");

  test("takes images of [0, 1], channels first, and sees what they are as bytes", async () => {
    expect(model.contract).toEqual({ shape: [3, 4, 4], bounds: [0, 1] });
    const random = new Random(2);
    const x = floats(
      [2, 3, 4, 4],
      Array.from({ length: 96 }, () => random.uniform()),
    );
    const bytes = new Uint8Array(96);
    for (let n = 0; n < 2; n++)
      for (let c = 0; c < 3; c++)
        for (let p = 0; p < 16; p++)
          bytes[n * 48 + p * 3 + c] = Math.round(
            255 * x.data[n * 48 + c * 16 + p]!,
          );
    const expected = await run(graph, {
      image: tensor("uint8", [2, 4, 4, 3], bytes),
    });
    const compiled = await compile(model, onnxruntime);
    const { data } = await compiled.logits(x);
    data.forEach((v, i) => {
      expect(v).toBeCloseTo(expected.logits?.data[i] as number, 4);
    });
    await compiled.release();
  });

  test("has a gradient, straight through the rounding", async () => {
    const compiled = await compile(model, onnxruntime);
    const { gradient } = await compiled.lossGradient(
      floats([1, 3, 4, 4], new Float32Array(48).fill(0.5)),
      [0],
    );
    expect(gradient.data.every((g) => g !== 0)).toBe(true);
    await compiled.release();
  });

  test("that computes with its integers is refused by name", () => {
    const b = new GraphBuilder(emptyGraph("integers"));
    b.input({ name: "image", type: "uint8", dims: ["batch", 3] });
    b.op(
      "BitShift",
      ["image", b.constant(tensor("uint8", [3], new Uint8Array(3)))],
      { direction: string("LEFT") },
      "scores",
    );
    const graph = b.build([b.cast("scores", "float32")]);
    expect(() => modelOf(graph, "integers.onnx")).toThrow(
      /BitShift "scores" computes with the uint8 input "image" as integers/,
    );
  });
});

/** ids, mask and types [batch, length] -> embeddings, masked mean, linear layer. */
function textModel(): Graph {
  const b = new GraphBuilder(emptyGraph("text"));
  const dims = ["batch", "length"];
  b.input({ name: "input_ids", type: "int64", dims });
  b.input({ name: "attention_mask", type: "int64", dims });
  b.input({ name: "token_type_ids", type: "int64", dims });
  const table = b.constant(draw(3, [7, 4]), "words.weight");
  const types = b.constant(draw(4, [2, 4]), "types.weight");
  const words = b.op("Gather", [table, "input_ids"]);
  const sum = b.op("Tanh", [
    b.add(words, b.op("Gather", [types, "token_type_ids"])),
  ]);
  const mask = b.unsqueeze(b.cast("attention_mask", "float32"), [-1]);
  const mean = b.div(
    b.reduceSum(b.mul(sum, mask), [1]),
    b.reduceSum(mask, [1]),
  );
  return b.build([
    b.op("Gemm", [mean, b.constant(draw(5, [4, 3]), "head")], {}, "logits"),
  ]);
}

describe("a text model", () => {
  const graph = textModel();
  const model = modelOf(graph, "text.onnx", { input: { shape: [5] } });
  const ids = int64s([3, 1, 6, 0, 0, 2, 2, 5, 4, 1], [2, 5]);

  test("gets its mask and types from its tokens", async () => {
    expect(model.graph.inputs.map((i) => i.name)).toEqual(["input_ids"]);
    const expected = await run(graph, {
      input_ids: ids,
      attention_mask: int64s([1, 1, 1, 0, 0, 1, 1, 1, 1, 1], [2, 5]),
      token_type_ids: int64s(new Array(10).fill(0), [2, 5]),
    });
    const compiled = await compile(model, onnxruntime);
    const { data } = await compiled.logits(ids);
    expect(Array.from(data)).toEqual(
      Array.from(expected.logits?.data as Float32Array),
    );
    await compiled.release();
  });

  test("has its gradient at the embeddings, none at what is masked", async () => {
    const compiled = await compile(model, onnxruntime);
    const { gradient, loss } = await compiled.lossGradient(ids, [0, 2]);
    expect(gradient.dims).toEqual([2, 5, 4]);
    expect(gradient.data.slice(12, 20).every((g) => g === 0)).toBe(true);
    await compiled.release();
    // The same text, moved a little at one embedding, by differences.
    const text = { ...ids, dims: [1, 5], data: ids.data.slice(0, 5) };
    const around = await compile(atEmbedding(model, text, 1), onnxruntime);
    const moved = new Float32Array(20);
    moved[6] = 1e-2;
    const up = await around.lossGradient(floats([1, 5, 4], moved), [0]);
    moved[6] = -1e-2;
    const down = await around.lossGradient(floats([1, 5, 4], moved), [0]);
    await around.release();
    const slope = (up.loss[0]! - down.loss[0]!) / 2e-2;
    expect(slope).toBeCloseTo(gradient.data[6]!, 3);
    expect(up.loss[0]! - loss[0]!).not.toBe(0);
  });

  test("with an input that nothing is known of is refused, with what to state", () => {
    const odd = {
      ...graph,
      inputs: graph.inputs.map((i) =>
        i.name === "token_type_ids" ? { ...i, name: "extra" } : i,
      ),
      nodes: graph.nodes.map((n) => ({
        ...n,
        inputs: n.inputs.map((i) => (i === "token_type_ids" ? "extra" : i)),
      })),
    };
    const options = { input: { shape: [5] } };
    expect(() => modelOf(odd, "odd.onnx", options)).toThrow(
      /what input "extra" gets is not known/,
    );
    const stated = { input: { shape: [5], others: { extra: 1 } } };
    expect(modelOf(odd, "odd.onnx", stated).embedding).toBeDefined();
  });
});

test("half precision becomes float32 masters, exactly", async () => {
  // 1, -2, 0.5, 65504, the smallest number, and 1/3 rounded.
  const bits = [0x3c00, 0xc000, 0x3800, 0x7bff, 0x0001, 0x3555];
  const values = [1, -2, 0.5, 65504, 2 ** -24, 0.333251953125];
  const b = new GraphBuilder(emptyGraph("half"));
  b.input({ name: "x", type: "float16", dims: ["batch", 2] });
  b.constant(tensor("float16", [2, 3], Uint16Array.from(bits)), "weight");
  b.op("MatMul", ["x", "weight"], {}, "product");
  const graph = b.build([b.op("Cast", ["product"], { to: int(10) }, "logits")]);
  const model = modelOf(decodeModel(encodeModel(graph), "half"), "half.onnx");
  const weight = model.graph.constants.get("weight");
  expect(weight?.type).toBe("float32");
  expect(Array.from(weight?.data as Float32Array)).toEqual(values);
  expect(layerGroups(model.graph)[0]?.parameters).toEqual(["weight"]);
  const compiled = await compile(model, onnxruntime);
  const { data } = await compiled.logits(floats([1, 2], [1, 0]));
  expect(Array.from(data)).toEqual(values.slice(0, 3));
  await compiled.release();
});

test("a weight that Identity gives a second name is one weight, trained by both", () => {
  const b = new GraphBuilder(emptyGraph("shared"));
  b.input({ name: "x", type: "float32", dims: ["batch", 3] });
  b.constant(draw(6, [3, 3]), "weight");
  const first = b.op("Relu", [b.matmul("x", "weight")]);
  const copy = b.op("Identity", [b.op("Identity", ["weight"])]);
  const graph = b.build([b.op("MatMul", [first, copy], {}, "logits")]);
  const model: Model = modelOf(graph, "shared.onnx");
  expect(layerGroups(model.graph).flatMap((g) => g.parameters)).toEqual([
    "weight",
  ]);
  expect(model.graph.nodes.map((n) => n.inputs[1]).filter(Boolean)).toEqual([
    "weight",
    "weight",
  ]);
});
