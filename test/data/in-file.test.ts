import {
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { zipSync } from "fflate";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type DataSpecInput,
  type Dataset,
  dataSpecSchema,
  loadDataset,
} from "#data";
import { isStreamed, rows, takeRows } from "#onnx";
import { memory } from "../../src/data/image-files.ts";
import { put, temporaryFolder } from "../folder.ts";

const home = temporaryFolder();
const usual = memory.bytes;

beforeEach(() => {
  memory.bytes = 16;
  vi.stubEnv("ASSAY_CACHE", join(home, "cache"));
});
afterEach(() => {
  memory.bytes = usual;
  vi.unstubAllEnvs();
});

/** A .npy file as NumPy writes it. */
function npy(
  descr: string,
  dims: readonly number[],
  content: Uint8Array,
  fortran = false,
): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${dims.join(", ")},), }`;
  return Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"),
    Buffer.from(`${header.padEnd(117)}\n`, "latin1"),
    content,
  ]);
}

const bytesOf = (array: { buffer: ArrayBufferLike }) =>
  new Uint8Array(array.buffer);
const labels = (n: number) =>
  npy(
    "|u1",
    [n],
    Uint8Array.from({ length: n }, (_, i) => i % 2),
  );

const read = (spec: DataSpecInput): Promise<Dataset> =>
  loadDataset(dataSpecSchema.parse(spec), home);

const ofNpy = (more: object = {}) =>
  read({ source: "npy", x: "x.npy", y: "y.npy", ...more });

/** The same file, held in memory. */
async function held<T>(make: () => Promise<T>): Promise<T> {
  memory.bytes = usual;
  const made = await make();
  memory.bytes = 16;
  return made;
}

const types = {
  "|u1": (v: Float64Array) => Uint8Array.from(v, (x) => 255 * x),
  "<f4": (v: Float64Array) => bytesOf(Float32Array.from(v)),
  ">f4": (v: Float64Array) => bytesOf(Float32Array.from(v)).toReversed(),
  "<f8": (v: Float64Array) => bytesOf(v),
} as const;

test("an array is read from its file as it is held, whatever its type and layout", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...(Object.keys(types) as (keyof typeof types)[])),
      fc.constantFrom([4], [3, 5], [3, 5, 3], [3, 5, 2], [3, 2, 4]),
      fc.integer({ min: 20, max: 90 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      async (type, shape, n, numbers) => {
        const width = shape.reduce((a, b) => a * b, 1);
        const values = Float64Array.from(
          { length: n * width },
          () => numbers.next().value as number,
        );
        put(home, "x.npy", npy(type, [n, ...shape], types[type](values)));
        put(home, "y.npy", labels(n));
        const whole = await held(() => ofNpy());
        const streamed = await ofNpy();
        expect(isStreamed(streamed.x)).toBe(true);
        expect(streamed.x.dims).toEqual(whole.x.dims);
        expect(streamed.fingerprint).toBe(whole.fingerprint);
        for (const some of [[n - 1, 0, 7], [7, 7], [3]])
          expect(takeRows(streamed.x, some)).toEqual(takeRows(whole.x, some));
        expect(rows(streamed.x, 5, 9).data).toEqual(rows(whole.x, 5, 9).data);
      },
    ),
    { numRuns: 12 },
  );
});

const values = Float32Array.from({ length: 40 }, (_, i) => i / 40);

test("wrong values and changes are found by their sample", async () => {
  put(home, "y.npy", labels(10));
  for (const wrong of [Number.NaN, -0.5, 1.5]) {
    const some = values.slice();
    some[17] = wrong;
    put(home, "x.npy", npy("<f4", [10, 4], bytesOf(some)));
    await expect(ofNpy()).rejects.toThrow(
      new RegExp(`x\\.npy, sample 4 has the value ${wrong}`),
    );
  }
  put(home, "x.npy", npy("<f4", [10, 4], bytesOf(values)));
  const { x } = await ofNpy();
  const file = readFileSync(join(home, "x.npy"));
  file[file.length - 1] = file[file.length - 1]! ^ 1;
  writeFileSync(join(home, "x.npy"), file);
  expect(takeRows(x, [8]).data).toHaveLength(4);
  expect(() => takeRows(x, [2, 9])).toThrow(
    /x\.npy, sample 9 is another one than when the data was read/,
  );
  truncateSync(join(home, "x.npy"), file.length - 20);
  expect(() => takeRows(x, [2, 8])).toThrow(
    /x\.npy, sample 8 cannot be read \(it ends too soon\)/,
  );
});

test("an array by columns is held, and so is one that is packed", async () => {
  put(home, "y.npy", labels(10));
  put(home, "x.npy", npy("<f4", [10, 4], bytesOf(values), true));
  const columns = await ofNpy();
  expect(isStreamed(columns.x)).toBe(false);
  expect(Array.from(takeRows(columns.x, [1]).data)).toEqual(
    [1, 11, 21, 31].map((i) => values[i]),
  );
});

test.each([0, 6] as const)("an archive packed at level %d", async (level) => {
  const x = npy("<f4", [10, 4], bytesOf(values));
  put(home, "x.npy", x);
  put(home, "y.npy", labels(10));
  put(home, "a.npz", zipSync({ "x.npy": x, "y.npy": labels(10) }, { level }));
  const alone = await ofNpy();
  const archived = await read({ source: "npz", path: "a.npz" });
  expect(isStreamed(archived.x)).toBe(level === 0);
  expect(archived.fingerprint).toBe(alone.fingerprint);
});

/** Twelve images in colour, one behind the other. */
const [height, width] = [40, 50];
const pixels = Uint8Array.from(
  { length: 12 * height * width * 3 },
  (_, i) => (i * 7 + ((i * i) >> 9) * 3) & 255,
);

test("a pipeline makes of arrays what it makes of the same image files", async () => {
  const n = 12;
  const size = height * width * 3;
  for (let i = 0; i < n; i++) {
    const raw = { height, width, channels: 3 } as const;
    const own = pixels.subarray(i * size, (i + 1) * size);
    const name = `${i}`.padStart(2, "0");
    put(
      home,
      `images/all/${name}.png`,
      await sharp(own, { raw }).png().toBuffer(),
    );
  }
  const one = npy("|u1", [n], new Uint8Array(n));
  put(home, "x.npy", npy("|u1", [n, height, width, 3], pixels));
  put(home, "y.npy", one);
  const planes = pixels.map((_, at) => {
    const [i, rest] = [Math.floor(at / size), at % size];
    const [c, p] = [
      Math.floor(rest / (height * width)),
      rest % (height * width),
    ];
    return pixels[i * size + p * 3 + c]!;
  });
  put(home, "planes.npy", npy("|u1", [n, 3, height, width], planes));
  const idx = (dims: readonly number[], content: Uint8Array) => {
    const head = Buffer.alloc(4 + 4 * dims.length);
    head.writeUInt32BE(0x0800 + dims.length);
    for (const [k, d] of dims.entries()) head.writeUInt32BE(d, 4 + 4 * k);
    return Buffer.concat([head, content]);
  };
  put(home, "images.idx", idx([n, height, width, 3], pixels));
  put(home, "labels.idx", idx([n], new Uint8Array(n)));
  const pipeline = "imagenet" as const;
  const folder = await held(() =>
    read({ source: "image-folder", path: "images", pipeline }),
  );
  for (const made of [
    await ofNpy({ pipeline, cache: 0 }),
    await ofNpy({ pipeline }),
    await ofNpy({ pipeline, x: "planes.npy" }),
    await read({
      source: "idx",
      images: "images.idx",
      labels: "labels.idx",
      pipeline,
    }),
  ]) {
    expect(isStreamed(made.x)).toBe(true);
    expect(made.x.dims).toEqual([n, 3, 224, 224]);
    expect(Buffer.compare(bytesOf(made.x.data), bytesOf(folder.x.data))).toBe(
      0,
    );
  }
  const kept = readdirSync(join(home, "cache", "images"));
  expect(kept.map((name) => name.replace(/.*\./, "")).sort()).toEqual([
    "hashes",
    "pixels",
    "pixels",
    "pixels",
  ]);
});

test("a pipeline refuses what are no images of bytes", async () => {
  put(home, "y.npy", labels(10));
  put(home, "x.npy", npy("<f4", [10, 4], bytesOf(values)));
  await expect(ofNpy({ pipeline: "clip" })).rejects.toThrow(
    /pipeline: clip needs images of bytes, .*x\.npy has numbers of type <f4 and shape \[10, 4\]/,
  );
  const x = npy("|u1", [10, 2, 2], new Uint8Array(40));
  put(home, "a.npz", zipSync({ "x.npy": x, "y.npy": labels(10) }));
  await expect(
    read({ source: "npz", path: "a.npz", pipeline: "clip" }),
  ).rejects.toThrow(/a\.npz, "x" is packed, or does not stand row by row/);
});
