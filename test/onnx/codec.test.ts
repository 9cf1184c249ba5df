import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Attribute,
  arrayTypes,
  type DataType,
  decodeModel,
  emptyGraph,
  encodeModel,
  type FloatTensor,
  type Graph,
  type Node,
  readModel,
  type Tensor,
  writeModel,
} from "#onnx";
import {
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
} from "../../src/onnx/generated/onnx-ml_pb.ts";

const types = Object.keys(arrayTypes) as Exclude<DataType, "string">[];
const names = fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" });
const dims = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 });
const safe = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });

const numeric: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom(...types), dims)
  .chain(([type, shape]) => {
    const size = shape.reduce((p, d) => p * d, 1);
    const bytes = size * arrayTypes[type].BYTES_PER_ELEMENT;
    return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(
      (raw) =>
        ({
          type,
          dims: shape,
          data: new arrayTypes[type](raw.slice().buffer, 0, size),
        }) as Tensor,
    );
  });
const texts: fc.Arbitrary<Tensor> = fc
  .array(names, { maxLength: 4 })
  .map((data) => ({ type: "string", dims: [data.length], data }));
const tensors = fc.oneof(numeric, texts);

const attributes: fc.Arbitrary<Attribute> = fc.oneof(
  safe.map((value): Attribute => ({ kind: "int", value })),
  fc
    .float({ noNaN: true })
    .map((value): Attribute => ({ kind: "float", value })),
  names.map((value): Attribute => ({ kind: "string", value })),
  fc
    .array(safe, { maxLength: 3 })
    .map((value): Attribute => ({ kind: "ints", value })),
  fc
    .array(fc.float({ noNaN: true }), { maxLength: 3 })
    .map((value): Attribute => ({ kind: "floats", value })),
  fc
    .array(names, { maxLength: 3 })
    .map((value): Attribute => ({ kind: "strings", value })),
  tensors.map((value): Attribute => ({ kind: "tensor", value })),
);

/**
 * Graphs that are well formed but mean nothing: every node reads what is
 * there before it.
 */
const graphs: fc.Arbitrary<Graph> = fc
  .record({
    name: names,
    constants: fc.uniqueArray(
      fc.tuple(
        names.map((n) => `c${n}`),
        tensors,
      ),
      { selector: ([n]) => n, maxLength: 4 },
    ),
    inputs: fc.uniqueArray(
      names.map((n) => `i${n}`),
      { minLength: 1, maxLength: 3 },
    ),
    shape: fc.option(
      fc.array(fc.oneof(fc.nat(9), names, fc.constant(null)), { maxLength: 3 }),
      { nil: undefined },
    ),
    nodes: fc.array(
      fc.record({
        op: names,
        reads: fc.array(fc.nat(), { maxLength: 3 }),
        attributes: fc.dictionary(names, attributes, { maxKeys: 3 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    metadata: fc.uniqueArray(fc.tuple(names, names), {
      selector: ([n]) => n,
      maxLength: 3,
    }),
  })
  .map(({ name, constants, inputs, shape, nodes, metadata }) => {
    const known = [...inputs, ...constants.map(([n]) => n), ""];
    const made: Node[] = nodes.map(({ op, reads, attributes: own }, i) => {
      const node = {
        name: `node ${i}`,
        op,
        domain: i % 2 ? "custom" : "",
        inputs: reads.map((r) => known[r % known.length]!),
        outputs: [`o${i}`],
        attributes: own,
      };
      known.push(`o${i}`);
      return node;
    });
    return {
      ...emptyGraph(name),
      inputs: inputs.map((n) => ({
        name: n,
        type: "float32" as const,
        ...(shape ? { dims: shape } : {}),
      })),
      constants: new Map(constants),
      nodes: made,
      outputs: [{ name: `o${nodes.length - 1}`, type: "int64" as const }],
      metadata: new Map(metadata),
      opsets: new Map([
        ["", 18],
        ["custom", 1],
      ]),
    };
  });

describe("encoding", () => {
  test("a graph comes back as it was, names and bits", () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const bytes = encodeModel(graph);
        const back = decodeModel(bytes, "model.onnx");
        expect(back).toEqual(graph);
        expect(encodeModel(back)).toEqual(bytes);
      }),
    );
  });

  test("aligned weights are views of the file, not copies", () => {
    const data = new Float32Array(64).fill(1.5);
    const graph: Graph = {
      ...emptyGraph("g"),
      constants: new Map([["w", { type: "float32", dims: [64], data }]]),
      nodes: [
        {
          name: "",
          op: "Identity",
          domain: "",
          inputs: ["w"],
          outputs: ["y"],
          attributes: {},
        },
      ],
      outputs: [{ name: "y", type: "float32" }],
    };
    const encoded = encodeModel(graph);
    // At one of four positions the numbers begin at a multiple of four.
    const held = [0, 1, 2, 3].filter((shift) => {
      const file = new Uint8Array(encoded.length + 4);
      file.set(encoded, shift);
      const read = decodeModel(
        file.subarray(shift, shift + encoded.length),
        "m",
      );
      const { data: numbers } = read.constants.get("w") as FloatTensor;
      expect(numbers).toEqual(data);
      return numbers.buffer === file.buffer;
    });
    expect(held).toHaveLength(1);
  });

  test("numbers in the older fields are read too", () => {
    const T = TensorProto_DataType;
    const of = (dataType: number, field: object) => ({
      name: `t${dataType}`,
      dataType,
      dims: [2n],
      ...field,
    });
    const bytes = toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: 8n,
        opsetImport: [{ domain: "", version: 18n }],
        graph: {
          name: "g",
          initializer: [
            of(T.FLOAT, { floatData: [1.5, -2] }),
            of(T.DOUBLE, { doubleData: [1.5, -2] }),
            of(T.INT64, { int64Data: [1n, -2n] }),
            of(T.UINT64, { uint64Data: [1n, 2n] }),
            of(T.INT32, { int32Data: [1, -2] }),
            of(T.INT8, { int32Data: [1, -2] }),
            of(T.BOOL, { int32Data: [1, 0] }),
            of(T.FLOAT16, { int32Data: [0x3e00, 0xc000] }),
            of(T.UINT32, { uint64Data: [1n, 2n] }),
            of(T.STRING, {
              stringData: [new TextEncoder().encode("é"), new Uint8Array()],
            }),
          ],
        },
      }),
    );
    const { constants } = decodeModel(bytes, "m");
    const values = [...constants.values()].map((t) => [
      t.type,
      Array.from(t.data as ArrayLike<unknown>),
    ]);
    expect(values).toEqual([
      ["float32", [1.5, -2]],
      ["float64", [1.5, -2]],
      ["int64", [1n, -2n]],
      ["uint64", [1n, 2n]],
      ["int32", [1, -2]],
      ["int8", [1, -2]],
      ["bool", [1, 0]],
      ["float16", [0x3e00, 0xc000]],
      ["uint32", [1, 2]],
      ["string", ["é", ""]],
    ]);
  });

  test("nodes out of order are sorted", () => {
    const relu = (inputs: string[], outputs: string[]): Node => ({
      name: "",
      op: "Relu",
      domain: "",
      inputs,
      outputs,
      attributes: {},
    });
    const graph: Graph = {
      ...emptyGraph("g"),
      inputs: [{ name: "x", type: "float32" }],
      nodes: [relu(["b"], ["c"]), relu(["x"], ["a"]), relu(["a"], ["b"])],
      outputs: [{ name: "c", type: "float32" }],
    };
    expect(
      decodeModel(encodeModel(graph), "m").nodes.map((n) => n.outputs[0]),
    ).toEqual(["a", "b", "c"]);
  });
});

describe("external data", () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-external-"));
  mkdirSync(join(folder, "inside"));
  const weights = Float32Array.from([9, 1, 2, 3]);
  writeFileSync(
    join(folder, "inside", "w.bin"),
    new Uint8Array(weights.buffer),
  );
  writeFileSync(join(folder, "secret.bin"), new Uint8Array(weights.buffer));
  symlinkSync(join(folder, "secret.bin"), join(folder, "inside", "link.bin"));

  const file = (location: string, offset: string, length: string) => {
    const path = join(folder, "inside", "m.onnx");
    const entries = { location, offset, length };
    writeFileSync(
      path,
      toBinary(
        ModelProtoSchema,
        create(ModelProtoSchema, {
          irVersion: 8n,
          opsetImport: [{ domain: "", version: 18n }],
          graph: {
            name: "g",
            initializer: [
              {
                name: "w",
                dataType: 1,
                dims: [3n],
                dataLocation: TensorProto_DataLocation.EXTERNAL,
                externalData: Object.entries(entries).map(([key, value]) => ({
                  key,
                  value,
                })),
              },
            ],
          },
        }),
      ),
    );
    return path;
  };

  test("is read from its place, and is inside when written again", () => {
    const graph = readModel(file("w.bin", "4", "12"));
    expect(Array.from(graph.constants.get("w")?.data as Float32Array)).toEqual([
      1, 2, 3,
    ]);
    const alone = join(folder, "alone.onnx");
    writeModel(alone, graph);
    expect(readModel(alone).constants.get("w")?.data).toEqual(
      graph.constants.get("w")?.data,
    );
  });

  test.each([
    ["a path that leaves the folder", "../secret.bin"],
    ["an absolute path", join(folder, "secret.bin")],
    ["a link that leads out", "link.bin"],
  ])("%s is refused under a code of its own", (_what, location) => {
    expect(() => readModel(file(location, "0", "12"))).toThrow(
      expect.objectContaining({
        code: "MODEL_PATH",
        message: expect.stringMatching(/outside the folder/),
      }),
    );
  });

  test.each([
    ["a missing file", "none.bin", "0", /missing or unreadable/],
    [
      "an offset past the end",
      "w.bin",
      "8",
      /needs 12 bytes at 8 of "w.bin", which has 16/,
    ],
    ["an offset that is no number", "w.bin", "x", /needs 12 bytes/],
  ])("%s is refused", (_what, location, offset, message) => {
    expect(() => readModel(file(location, offset, "12"))).toThrow(
      expect.objectContaining({
        code: "MODEL_INVALID",
        message: expect.stringMatching(message),
      }),
    );
  });
});
