import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hashOf, sha256 } from "#core";
import {
  dataset,
  loadDataset,
  sampleFingerprints,
  selectClasses,
  takeHeld,
  takeSamples,
} from "#data";
import {
  copyOf,
  FEW,
  type FloatTensor,
  floats,
  held,
  isStreamed,
  rows,
  Streamed,
  takeRows,
} from "#onnx";
import { bytesAs } from "../../src/data/bytes.ts";
import { temporaryFolder } from "../folder.ts";

const home = temporaryFolder();

/** Bytes of images that differ from each other, so many that they stay bytes. */
const dims = [Math.ceil(FEW / 784) + 3, 1, 28, 28];
const bytes = Uint8Array.from(
  { length: dims[0]! * 784 },
  (_, i) => (i * 31 + ((i / 784) | 0) * 7) & 255,
);
const x = bytesAs(dims, bytes);
const asFloats = (row: number) =>
  Float32Array.from(bytes.subarray(row * 784, (row + 1) * 784), (v) => v / 255);
/** Millions of numbers are compared by their bytes. */
const hashed = ({ data }: FloatTensor) =>
  sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
const y = Int32Array.from({ length: dims[0]! }, (_, i) => i % 2);
const many = dataset("many", x, y, ["even", "odd"]);

test("many bytes stay bytes, few become floats, and both read alike", () => {
  expect(isStreamed(x)).toBe(true);
  const few = bytesAs([2, 1, 28, 28], bytes.subarray(0, 2 * 784));
  expect(isStreamed(few)).toBe(false);
  expect(few.data).toEqual(takeRows(x, [0, 1]).data);
  expect(takeRows(x, [7, 3]).data).toEqual(
    Float32Array.from([...asFloats(7), ...asFloats(3)]),
  );
  expect((rows(x, 5, 6) as FloatTensor).data).toEqual(asFloats(5));
});

test("a copy with other values has its own rows", () => {
  const other = { ...x, data: x.data.map((v) => 1 - v) };
  expect(isStreamed(other)).toBe(false);
  expect(takeRows(other, [9]).data).toEqual(asFloats(9).map((v) => 1 - v));
  expect(hashed(copyOf(x))).toBe(hashed(x));
  expect(hashed(held(x))).toBe(hashed(x));
  expect(isStreamed(held(x))).toBe(false);
});

test("some of many samples are read by their own places", () => {
  const odd = selectClasses(many, ["odd"]);
  const last = takeSamples(odd, [...odd.y.keys()].reverse());
  expect(takeRows(last.x, [0, 2]).data).toEqual(
    takeRows(
      x,
      [dims[0]! - 1, dims[0]! - 5].map((i) => i - (dims[0]! % 2)),
    ).data,
  );
  expect(isStreamed(takeHeld(many, [...y.keys()]).x)).toBe(false);
});

test("has the fingerprints of the same samples as floats", () => {
  const whole = dataset("whole", held(x), y, ["even", "odd"]);
  expect(many.fingerprint).toBe(whole.fingerprint);
  const few = [4, 8, 15];
  expect(sampleFingerprints(takeSamples(many, few))).toEqual(
    sampleFingerprints(takeSamples(whole, few)),
  );
});

test("what is too large to be held is read, hashed, and refused at once", () => {
  const n = 2 ** 21;
  const source = new Streamed([n, 1024], {
    read(some, to) {
      for (let i = 0; i < some.length; i++)
        to.fill((some[i]! % 5) / 5, i * 1024, (i + 1) * 1024);
    },
  });
  expect(takeRows(source, [n - 1]).data[0]).toBeCloseTo(((n - 1) % 5) / 5);
  expect(() => source.data).toThrow(
    /all 2097152 samples of shape \[1024\] are needed at once/,
  );
});

test("bytes of a file are scaled as its range states", async () => {
  const npy = (shape: string, content: Uint8Array) => {
    const header = `{'descr': '|u1', 'fortran_order': False, 'shape': ${shape}, }`;
    const line = `${header.padEnd(117)}\n`;
    return Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00", "latin1"),
      Buffer.from([118, 0]),
      Buffer.from(line, "latin1"),
      content,
    ]);
  };
  const pixels = Uint8Array.from({ length: 24 }, (_, i) => i * 10);
  writeFileSync(join(home, "x.npy"), npy("(2, 2, 2, 3)", pixels));
  writeFileSync(join(home, "y.npy"), npy("(2,)", Uint8Array.of(0, 1)));
  const spec = { source: "npy", x: "x.npy", y: "y.npy" } as const;
  const read = (more: object) =>
    loadDataset({ ...spec, ...more } as never, home);
  const own = await read({});
  expect(own.x.dims).toEqual([2, 3, 2, 2]);
  expect(own.x.data[4]).toBe(Math.fround(10 / 255));
  const ranged = await read({ range: [0, 230] });
  expect(ranged.x.data[23]).toBe(1);
  await expect(read({ range: [0, 100] })).rejects.toThrow(
    /sample 0 has the value 1\.10.* expected a number from 0 to 1/,
  );
  expect(readFileSync(join(home, "x.npy")).subarray(-24)).toEqual(
    Buffer.from(pixels),
  );
  expect(own.fingerprint).toBe(
    hashOf({
      dims: own.x.dims,
      x: sha256(new Uint8Array(floats(own.x.dims, own.x.data).data.buffer)),
      y: sha256(new Uint8Array(Int32Array.of(0, 1).buffer)),
      classes: own.classes,
    }),
  );
});
