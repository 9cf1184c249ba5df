import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { messageOf, packagePath } from "#core";
import {
  emptyGraph,
  floats,
  type Graph,
  GraphBuilder,
  originOf,
  readModel,
  readModelInPlace,
  type Tensor,
  writeModel,
} from "#onnx";
import { temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();
const path = join(folder, "model.onnx");

const weight = (rows: number, seed: number) =>
  floats(
    [rows, 100],
    Float32Array.from({ length: rows * 100 }, (_, i) => Math.sin(seed + i)),
  );

/** A model of two large weights and a small one. */
function model(): Graph {
  const b = new GraphBuilder(emptyGraph("net"));
  b.input({ name: "x", type: "float32", dims: ["N", 100] });
  const part = (rows: number, name: string) =>
    b.matmul("x", b.transpose(b.constant(weight(rows, rows), name), [1, 0]));
  const parts = [part(60, "first"), part(1, "small"), part(80, "second")];
  return b.build([b.concat(parts, 1)]);
}

const contents = ({ constants, ...graph }: Graph) => ({
  ...graph,
  constants: [...constants].map(([name, t]) => [name, plain(t)]),
});
const plain = ({ type, dims, data }: Tensor) => ({
  ...{ type, dims },
  data: ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex")
    : data,
});

/** What is read, or what is said of it. */
const outcome = (read: () => Graph) => {
  try {
    return contents(read());
  } catch (error) {
    return messageOf(error);
  }
};

test("a model that is left in its file is the same model", () => {
  const exported = packagePath("test/fixtures/exported");
  for (const name of readdirSync(exported).filter((n) => n.endsWith(".onnx"))) {
    const file = join(exported, name);
    const [left, held] = [readModelInPlace(file), readModel(file)];
    expect(contents(left), name).toEqual(contents(held));
  }
});

test("large weights are not read before they are asked for", () => {
  writeModel(path, model());
  const { constants } = readModelInPlace(path);
  const [first, small, second] = [...constants.values()];
  writeFileSync(path, readFileSync(path).fill(0));
  expect(small?.data).toEqual(weight(1, 1).data);
  expect(originOf(first!)).toMatchObject({ path, length: 4 * 6000 });
  expect(() => first?.data).toThrow(/can no longer be read/);
  expect(() => second?.data).toThrow(/can no longer be read/);
});

test("a damaged file is read alike, or refused in the same words", () => {
  writeModel(path, model());
  const bytes = readFileSync(path);
  const weights = [...readModel(path).constants.values()].map(originOf);
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })),
        { minLength: 1, maxLength: 3 },
      ),
      fc.option(fc.nat(bytes.length), { freq: 4 }),
      (changes, end) => {
        const damaged = Buffer.from(bytes);
        for (const [at, value] of changes) damaged[at] = value;
        writeFileSync(path, damaged.subarray(0, end ?? undefined));
        expect(outcome(() => readModelInPlace(path))).toEqual(
          outcome(() => readModel(path)),
        );
      },
    ),
  );
  // Most bytes are those of weights: here is each of the others.
  const isWeight = (at: number) =>
    weights.some((o) => o && at >= o.offset && at < o.offset + o.length);
  for (const at of bytes.keys()) {
    if (isWeight(at)) continue;
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x15;
    writeFileSync(path, damaged);
    expect(
      outcome(() => readModelInPlace(path)),
      `byte ${at}`,
    ).toEqual(outcome(() => readModel(path)));
  }
});
