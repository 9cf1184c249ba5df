import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { gradient } from "#autodiff";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  emptyGraph,
  encodeModel,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  hashModel,
  originOf,
  readModel,
  writeModel,
} from "#onnx";
import { encodeInPlace } from "../../src/engine/in-place.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-external-"));
  return () => rmSync(folder, { recursive: true });
});

const WIDTH = 100;

function linear(): { graph: Graph; weight: FloatTensor } {
  const random = new Random(4);
  const weight = floats(
    [WIDTH, WIDTH],
    Array.from({ length: WIDTH * WIDTH }, () => random.normal()),
  );
  const b = new GraphBuilder(emptyGraph("linear"));
  b.input({ name: "x", type: "float32", dims: ["batch", WIDTH] });
  b.constant(weight, "weight");
  return {
    graph: b.build([b.op("Tanh", [b.matmul("x", "weight")], {}, "y")]),
    weight,
  };
}

/** Writes the model with its weight in a file beside it. */
function writeExternal(
  path: string,
  { graph, weight }: ReturnType<typeof linear>,
) {
  const bytes = Buffer.from(weight.data.buffer);
  // At an offset that is no multiple of four, as files have them.
  writeFileSync(
    join(folder, "weights.bin"),
    Buffer.concat([Buffer.from("abc"), bytes]),
  );
  writeFileSync(
    path,
    encodeModel(graph, () => ({
      location: "weights.bin",
      offset: 3,
      length: bytes.length,
    })),
  );
}

const x = floats([1, WIDTH], new Float32Array(WIDTH).fill(0.05));

async function outputsOf(graph: Graph) {
  const { graph: both, gradients } = gradient(graph, { of: "y", wrt: ["x"] });
  const session = await onnxruntime.load(both);
  const outputs = await session.run({ x });
  await session.release();
  return [outputs.y?.data, outputs[gradients.get("x") as string]?.data];
}

test.each(["inside", "beside"])(
  "weights that lie %s the file are referred to, not copied",
  async (where) => {
    const path = join(folder, "model.onnx");
    const made = linear();
    if (where === "inside") writeModel(path, made.graph);
    else writeExternal(path, made);
    const read = readModel(path);
    const size = encodeInPlace(read).bytes.length;
    expect(size, "bytes of the graph alone").toBeLessThan(1000);
    expect(encodeModel(read).length).toBeGreaterThan(4 * WIDTH * WIDTH);
    expect(await outputsOf(read)).toEqual(await outputsOf(made.graph));
  },
);

test("a weight beside the file is only read when it is looked at", () => {
  const path = join(folder, "model.onnx");
  const made = linear();
  writeExternal(path, made);
  const weight = readModel(path).constants.get("weight");
  rmSync(join(folder, "weights.bin"));
  expect(weight?.dims).toEqual([WIDTH, WIDTH]);
  expect(() => weight?.data).toThrow(
    /weights.bin, which holds weights, can no longer be read/,
  );
});

test("when the file has changed, the weights that were read count", async () => {
  const path = join(folder, "model.onnx");
  const made = linear();
  writeModel(path, made.graph);
  const read = readModel(path);
  const bytes = readFileSync(path);
  writeFileSync(path, Buffer.alloc(bytes.length + 1));
  expect(encodeInPlace(read).folder).toBeUndefined();
  expect(await outputsOf(read)).toEqual(await outputsOf(made.graph));
});

test("the hash of a model is of its weights beside the file too", () => {
  const path = join(folder, "model.onnx");
  writeExternal(path, linear());
  const before = hashModel(path);
  const weights = join(folder, "weights.bin");
  const bytes = readFileSync(weights);
  bytes[1000] = bytes[1000]! ^ 1;
  writeFileSync(weights, bytes);
  expect(hashModel(path)).not.toBe(before);
});

// Needs 5 GB of disk and a minute: run with ASSAY_LONG=1.
const long = process.env.ASSAY_LONG ? test : () => {};
long(
  "a model of more than 2 GiB is written, read, run and differentiated",
  async () => {
    const rows = 2 ** 15;
    const columns = 2 ** 14 + 2 ** 10;
    const data = new Float32Array(rows * columns);
    for (let i = 0; i < data.length; i += 4097) data[i] = (i % 7) - 3;
    const b = new GraphBuilder(emptyGraph("large"));
    b.input({ name: "x", type: "float32", dims: [1, rows] });
    b.constant(floats([rows, columns], data), "weight");
    const sum = b.reduceSum(b.matmul("x", "weight"));
    const path = join(folder, "large.onnx");
    writeModel(path, b.build([b.op("Identity", [sum], {}, "y")]));
    expect(statSync(`${path}.data`).size).toBeGreaterThan(2 ** 31);
    const read = readModel(path);
    expect(originOf(read.constants.get("weight") as FloatTensor)).toBeDefined();
    const { graph, gradients } = gradient(read, { of: "y", wrt: ["x"] });
    const session = await onnxruntime.load(graph);
    const one = new Float32Array(rows);
    one[5] = 1;
    const outputs = await session.run({ x: floats([1, rows], one) });
    await session.release();
    let expected = 0;
    for (let c = 0; c < columns; c++) expected += data[5 * columns + c]!;
    expect(outputs.y?.data[0]).toBeCloseTo(expected, 3);
    expect(outputs[gradients.get("x") as string]?.data[5]).toBeCloseTo(
      expected,
      3,
    );
  },
);
