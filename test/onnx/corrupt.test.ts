import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AssayError } from "#core";
import {
  decodeModel,
  emptyGraph,
  encodeModel,
  floats,
  GraphBuilder,
  int,
  ints,
  type Node,
  normalise,
  readModel,
} from "#onnx";
import { ModelProtoSchema } from "../../src/onnx/generated/onnx-ml_pb.ts";
import { untrained } from "../reference.ts";
import { runs } from "../runs.ts";

const model = encodeModel(untrained().graph);

/** Decodes, and accepts a graph or one clear line; anything else is a fault. */
function attempt(bytes: Uint8Array): void {
  try {
    normalise(decodeModel(bytes, "m.onnx"));
  } catch (error) {
    expect(error).toBeInstanceOf(AssayError);
    expect((error as AssayError).message).not.toContain("\n");
    expect((error as AssayError).hint).not.toBe("");
  }
}

test("a file cut anywhere is refused or read, never a fault", () => {
  for (let length = 0; length < Math.min(model.length, 600); length++)
    attempt(model.subarray(0, length));
  for (let length = 600; length < model.length; length += 97)
    attempt(model.subarray(0, length));
  expect(() =>
    decodeModel(model.subarray(0, model.length - 30), "m.onnx"),
  ).toThrow(/m\.onnx/);
});

test("flipped bytes are refused or read, never a fault", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(model.length - 1), fc.nat(255)), {
        minLength: 1,
        maxLength: 8,
      }),
      (flips) => {
        const damaged = Uint8Array.from(model);
        for (const [at, value] of flips) damaged[at] = value;
        attempt(damaged);
      },
    ),
    runs(400),
  );
});

test("any bytes are refused or read, never a fault", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt), {
    numRuns: 500,
  });
});

test.each([
  ["", /is empty/],
  ["PK\x03\x04 and more", /PyTorch checkpoint/],
  ["\x89HDF\r\n\x1a\n", /Keras model/],
  ["<!DOCTYPE html><html>", /web page/],
  ["version https://git-lfs.github.com/spec/v1\n", /Git LFS pointer/],
  ['{"format": "layers-model"}', /JSON/],
  ["\x1c\x00\x00\x00TFL3", /TensorFlow Lite/],
  ["just some words", /is not an ONNX model/],
])("%j is told for what it is", (text, message) => {
  expect(() => decodeModel(Buffer.from(text, "latin1"), "m.onnx")).toThrow(
    expect.objectContaining({
      code: "MODEL_UNREADABLE",
      message: expect.stringMatching(message),
    }),
  );
});

const withGraph = (graph: object) =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: "", version: 18n }],
      graph,
    }),
  );
const node = (input: string[], output: string[]) => ({
  opType: "Relu",
  name: "n",
  input,
  output,
});

test.each([
  [
    "a weight that is too short",
    {
      initializer: [
        { name: "w", dataType: 1, dims: [4n], rawData: new Uint8Array(12) },
      ],
    },
    /weight "w" .* 12 bytes of data, its shape needs 16/,
  ],
  [
    "a negative shape",
    { initializer: [{ name: "w", dataType: 1, dims: [-4n] }] },
    /impossible shape \[-4\]/,
  ],
  [
    "a shape beyond all bounds",
    { initializer: [{ name: "w", dataType: 1, dims: [2n ** 62n, 2n ** 62n] }] },
    /impossible shape/,
  ],
  [
    "a huge claim without data",
    { initializer: [{ name: "w", dataType: 1, dims: [2n ** 40n] }] },
    /0 elements, its shape/,
  ],
  [
    "an unknown element type",
    { initializer: [{ name: "w", dataType: 99, dims: [] }] },
    /element type 99/,
  ],
  [
    "a name with control characters",
    { node: [node(["x"], ["y\n\u001b[2J"])] },
    /the name "y\\n\\u001b\[2J" has control characters/,
  ],
  [
    "a name that an object cannot have",
    { node: [node(["x"], ["__proto__"])] },
    /a value, node or attribute is called __proto__/,
  ],
  [
    "a value that nothing makes",
    { node: [node(["x"], ["y"])] },
    /Relu "n" reads "x", which nothing makes/,
  ],
  [
    "a value made twice",
    {
      input: [],
      initializer: [{ name: "x", dataType: 1, dims: [], floatData: [1] }],
      node: [node(["x"], ["y"]), node(["x"], ["y"])],
    },
    /value "y" is made twice/,
  ],
  [
    "a circle",
    { node: [node(["b"], ["a"]), node(["a"], ["b"])] },
    /depends on its own output/,
  ],
])("%s is refused by name", (_what, graph, message) => {
  expect(() =>
    decodeModel(withGraph({ name: "g", ...graph }), "m.onnx"),
  ).toThrow(
    expect.objectContaining({
      code: "MODEL_INVALID",
      message: expect.stringMatching(message),
    }),
  );
});

test("an opset out of range is refused", () => {
  for (const version of [6, 27]) {
    expect(() =>
      normalise({ ...untrained().graph, opsets: new Map([["", version]]) }),
    ).toThrow(/supported are 7 to 26/);
  }
});

test("missing files and folders are told", () => {
  expect(() => readModel("/nowhere/m.onnx")).toThrow(/does not exist/);
  expect(() => readModel(mkdtempSync(`${tmpdir()}/assay-`))).toThrow(
    /is a folder/,
  );
});

test.each<[string, Node["attributes"], RegExp]>([
  [
    "a kernel that is not the weight's",
    { kernel_shape: ints([100, 3]) },
    /kernel_shape \[100, 3\], its weight \[3, 3\]/,
  ],
  [
    "an absurd kernel",
    { kernel_shape: ints([100_000, 3]) },
    /100000 among its kernel_shape/,
  ],
  ["no step", { strides: ints([0, 1]) }, /0 among its strides/],
  [
    "an absurd dilation",
    { dilations: ints([1, 2 ** 40]) },
    /among its dilations/,
  ],
  [
    "groups that do not divide the weight",
    { group: int(3) },
    /3 groups of a weight \[2, 1, 3, 3\]/,
  ],
  ["no groups", { group: int(0) }, /0 groups/],
])("a convolution with %s is refused at reading", (_, attributes, message) => {
  const b = new GraphBuilder(emptyGraph("conv"));
  const x = b.input({ name: "x", type: "float32", dims: ["N", 1, 8, 8] });
  const w = b.constant(floats([2, 1, 3, 3], new Float32Array(18)), "w");
  const graph = b.build([b.op("Conv", [x, w])]);
  const node = { ...graph.nodes[0]!, attributes };
  const bytes = encodeModel({ ...graph, nodes: [node] });
  expect(() => decodeModel(bytes, "m.onnx")).toThrow(message);
});
