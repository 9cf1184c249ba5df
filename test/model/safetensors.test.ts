import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadModel, saveModel } from "#model";
import type { FloatTensor } from "#onnx";
import { readSafetensors } from "../../src/model/safetensors.ts";
import { put, temporaryFolder } from "../folder.ts";
import { untrained } from "../reference.ts";
import { type Entry, f32, safetensorsOf } from "./safetensors-of.ts";

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);

function write(
  name: string,
  entries: Parameters<typeof safetensorsOf>[0],
): string {
  writeFileSync(file(name), safetensorsOf(entries));
  return file(name);
}

const other = untrained(undefined, 99);
const entries = () =>
  Object.fromEntries(
    [...other.graph.constants]
      .filter(([name]) => /^(conv|hidden|head)/.test(name))
      .map(([name, t]) => [name, f32(t as FloatTensor)]),
  );

const base = file("base.onnx");
saveModel(base, untrained());

test("a model takes its weights from the file", async () => {
  const counts = { dtype: "I64", shape: [], bytes: new Uint8Array(8) };
  const weights = write("all.safetensors", {
    ...entries(),
    "bn.num_batches_tracked": counts,
  });
  const { graph } = await loadModel(base, { weights });
  for (const name of ["conv1.weight", "head.bias", "hidden.weight"])
    expect(graph.constants.get(name)?.data).toEqual(
      other.graph.constants.get(name)?.data,
    );
});

test("half precision is widened exactly", () => {
  const half = { dtype: "F16", shape: [3] };
  const brain = { dtype: "BF16", shape: [3] };
  const bits = (values: number[]) =>
    new Uint8Array(Uint16Array.from(values).buffer);
  const read = readSafetensors(
    write("half.safetensors", {
      half: { ...half, bytes: bits([0x3c00, 0xc000, 0x3555]) },
      brain: { ...brain, bytes: bits([0x3f80, 0xc000, 0x3eab]) },
    }),
  );
  expect(read.get("half")?.type).toBe("float16");
  expect(read.get("brain")?.dims).toEqual([3]);
});

test("what does not fit is refused by name", async () => {
  const weights = entries();
  const refused = (name: string, all: Record<string, Entry>) =>
    expect(loadModel(base, { weights: write(name, all) })).rejects;
  const { "conv1.weight": first = weights["head.bias"]!, ...rest } = weights;
  await refused("few", rest).toThrow(
    "lacks conv1.weight, which the model trains",
  );
  await refused("more", { ...weights, extra: first }).toThrow(
    'the model has no weight "extra"',
  );
  const reshaped = { ...first, shape: [9, 16] };
  await refused("shape", { ...weights, "conv1.weight": reshaped }).toThrow(
    '"conv1.weight" has shape [9, 16], the model\'s [16, 1, 3, 3]',
  );
});

test("damaged files are refused", () => {
  const refused = (name: string, bytes: Uint8Array) => {
    writeFileSync(file(name), bytes);
    return () => readSafetensors(file(name));
  };
  expect(refused("empty", new Uint8Array(3))).toThrow("cut off");
  expect(refused("long", new Uint8Array(16).fill(255))).toThrow("cut off");
  const json = new Uint8Array(10);
  json[0] = 2;
  expect(refused("json", json)).toThrow("header that cannot be read");
  const short = { dtype: "F32", shape: [4], bytes: new Uint8Array(8) };
  expect(() => readSafetensors(write("short", { w: short }))).toThrow(
    'holds 8 bytes of "w", expected 16 for F32 [4]',
  );
  const strange = { dtype: "F8_E4M3", shape: [4], bytes: new Uint8Array(4) };
  expect(() => readSafetensors(write("f8", { w: strange }))).toThrow(
    "F8_E4M3, which is not known",
  );
  for (const dtype of ["__proto__", "constructor", "toString"])
    expect(() =>
      readSafetensors(write("type", { w: { ...strange, dtype } })),
    ).toThrow(`${dtype}, which is not known`);
});

test("tensors may have any name, and each entry has offsets", () => {
  const header = (json: string) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
    const bytes = Buffer.concat([length, Buffer.from(json), Buffer.alloc(4)]);
    return put(folder, "names.safetensors", bytes);
  };
  const entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
  for (const name of ["__proto__", "constructor", "2024"])
    expect([
      ...readSafetensors(header(`{"a":${entry},"${name}":${entry}}`)).keys(),
    ]).toEqual(name === "2024" ? [name, "a"] : ["a", name]);
  for (const wrong of [
    '{"a":{"dtype":"F32","shape":[1]}}',
    `{"a":${entry},"__proto__":{"dtype":"F32","shape":[1]}}`,
    "null",
    "7",
    "[1]",
  ])
    expect(() => readSafetensors(header(wrong))).toThrow(
      "header that cannot be read",
    );
});

test("tensors keep their numbers whatever they are called", () => {
  const name = fc.oneof(
    fc.constantFrom("__proto__", "constructor", "toString", "2024", "0", ""),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(name.filter((n) => n !== "__metadata__")),
      (names) => {
        const entries = names.map((n, i): [string, Entry] => [
          n,
          f32({ dims: [1], data: Float32Array.of(i) }),
        ]);
        const path = write("names.safetensors", new Map(entries));
        const seen = readSafetensors(path);
        expect(seen.size).toBe(names.length);
        expect(names.map((n) => seen.get(n)?.data[0])).toEqual([
          ...names.keys(),
        ]);
      },
    ),
    { numRuns: 50 },
  );
});
