import fc from "fast-check";
import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { encodeNpy } from "#core";
import { type DataSpec, dataSpecSchema, loadDataset } from "#data";
import { floats } from "#onnx";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

/** A .npy file as NumPy writes it. */
function npyFile(
  descr: string,
  dims: readonly number[],
  content: Uint8Array,
  fortran = false,
): Uint8Array {
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${shape}), }`;
  const head = `${text.padEnd(117)}\n`;
  return Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"),
    Buffer.from(head, "latin1"),
    content,
  ]);
}

const bytesOf = (array: ArrayBufferView) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

async function load(x: Uint8Array, y: Uint8Array, more = {}) {
  put(folder, "x.npy", x);
  put(folder, "y.npy", y);
  const spec = { source: "npy", x: "x.npy", y: "y.npy", ...more };
  return loadDataset(dataSpecSchema.parse(spec) as DataSpec, folder);
}

const labels = npyFile("<i8", [2], bytesOf(BigInt64Array.of(1n, 0n)));

describe("NumPy arrays", () => {
  it("of any type come to [0, 1]", async () => {
    for (const [descr, array, range] of [
      ["|u1", Uint8Array.of(0, 51, 255, 102), undefined],
      ["<i2", Int16Array.of(-10, 0, 40, 10), [-10, 40]],
      ["<f8", Float64Array.of(0, 0.2, 1, 0.4), undefined],
      ["<f4", Float32Array.of(0, 0.2, 1, 0.4), undefined],
      // 0, 0.2, 1 and 0.4 as half floats.
      ["<f2", Uint16Array.of(0x0000, 0x3266, 0x3c00, 0x3666), undefined],
    ] as const) {
      const file = npyFile(descr, [2, 2], bytesOf(array));
      const { x, y, classes } = await load(file, labels, { range });
      expect(Array.from(x.data, (v) => v.toFixed(3))).toEqual([
        "0.000",
        "0.200",
        "1.000",
        "0.400",
      ]);
      expect(Array.from(y)).toEqual([1, 0]);
      expect(classes).toEqual(["0", "1"]);
    }
  });

  it("are the same in either order of axes and bytes", async () => {
    const rows = npyFile(
      "<f4",
      [2, 3],
      bytesOf(Float32Array.of(0, 0.25, 0.5, 0.75, 1, 0)),
    );
    const columns = npyFile(
      "<f4",
      [2, 3],
      bytesOf(Float32Array.of(0, 0.75, 0.25, 1, 0.5, 0)),
      true,
    );
    const big = Buffer.alloc(24);
    [0, 0.25, 0.5, 0.75, 1, 0].forEach((v, i) => {
      big.writeFloatBE(v, 4 * i);
    });
    const { fingerprint } = await load(rows, labels);
    expect((await load(columns, labels)).fingerprint).toBe(fingerprint);
    expect((await load(npyFile(">f4", [2, 3], big), labels)).fingerprint).toBe(
      fingerprint,
    );
  });

  it("of images come with channels first", async () => {
    const pixels = Float32Array.from({ length: 24 }, (_, i) => i / 24);
    const { x } = await load(
      npyFile("<f4", [2, 2, 2, 3], bytesOf(pixels)),
      labels,
    );
    expect(x.dims).toEqual([2, 3, 2, 2]);
    expect(x.data[4]).toBe(pixels[1]);
    expect(
      (await load(npyFile("|u1", [2, 4, 5], new Uint8Array(40)), labels)).x
        .dims,
    ).toEqual([2, 1, 4, 5]);
  });

  it("may say several labels, or values", async () => {
    const x = npyFile("|u1", [2, 2], new Uint8Array(4));
    const y = npyFile("<f8", [2, 2], bytesOf(Float64Array.of(1.5, 2, 3, 4)));
    const data = await load(x, y, { classes: ["price", "age"] });
    expect(Array.from(data.targets?.data ?? [])).toEqual([1.5, 2, 3, 4]);
  });

  it("may have labels as a column, or one-hot, as scikit-learn and Keras keep them", async () => {
    const x = npyFile("|u1", [3, 2], new Uint8Array(6));
    const read = (
      descr: string,
      dims: number[],
      values: ArrayBufferView,
      more = {},
    ) => load(x, npyFile(descr, dims, bytesOf(values)), more);
    const column = await read("<i8", [3, 1], BigInt64Array.of(2n, 0n, 1n));
    expect([Array.from(column.y), column.classes, column.targets]).toEqual([
      [2, 0, 1],
      ["0", "1", "2"],
      undefined,
    ]);
    const hot = Float64Array.of(0, 1, 0, 0, 1, 0, 1, 0, 0);
    const oneHot = await read("<f8", [3, 3], hot, {
      classes: ["a", "b", "c"],
    }).catch((e) => e);
    // No sample is of the last class.
    expect(oneHot.message).toContain('no samples of class 2 ("c")');
    const all = Float64Array.of(0, 1, 0, 0, 0, 1, 1, 0, 0);
    const three = await read("<f8", [3, 3], all);
    expect([Array.from(three.y), three.targets]).toEqual([
      [1, 2, 0],
      undefined,
    ]);
    const several = await read("<f8", [3, 3], all, { answers: "labels" });
    expect(Array.from(several.targets?.data ?? [])).toEqual(Array.from(all));
    // Floats in a column may be prices that happen to be whole.
    const prices = await read("<f4", [3, 1], Float32Array.of(1, 0, 2));
    expect(Array.from(prices.targets?.data ?? [])).toEqual([1, 0, 2]);
    const classes = await read("<f4", [3, 1], Float32Array.of(1, 0, 2), {
      answers: "classes",
    });
    expect(Array.from(classes.y)).toEqual([1, 0, 2]);
    await expect(
      read("<f4", [3, 2], Float32Array.of(1, 0, 1, 1, 0, 1), {
        answers: "classes",
      }),
    ).rejects.toThrow(/y\.npy, sample 1 has no single class/);
  });

  it("come out of an archive by name", async () => {
    const x = encodeNpy(floats([2, 2], [0, 0.5, 1, 0.25]));
    put(
      folder,
      "a.npz",
      zipSync({
        "train_x.npy": x,
        "train_y.npy": labels,
        "readme.txt": strToU8("hello"),
      }),
    );
    const spec = { source: "npz", path: "a.npz", x: "train_x", y: "train_y" };
    const read = (more = {}) =>
      loadDataset(
        dataSpecSchema.parse({ ...spec, ...more }) as DataSpec,
        folder,
      );
    expect((await read()).fingerprint).toBe(
      (await load(x, labels)).fingerprint,
    );
    await expect(read({ x: "trainx" })).rejects.toThrow(
      /a\.npz has no array "trainx"/,
    );
    put(folder, "a.npz", Buffer.from("PK no archive"));
    await expect(read()).rejects.toThrow(/a\.npz cannot be unpacked/);
  });

  it("are refused where an archive's checksum or size is not that of an array", async () => {
    const x = npyFile("<f4", [2, 2], bytesOf(Float32Array.of(0, 0.5, 1, 0.25)));
    const read = (archive: Uint8Array) => {
      put(folder, "b.npz", archive);
      const spec = { source: "npz", path: "b.npz" };
      return loadDataset(dataSpecSchema.parse(spec) as DataSpec, folder);
    };
    const whole = { "x.npy": x, "y.npy": labels };
    const stored = Buffer.from(zipSync(whole, { level: 0 }));
    await expect(read(stored)).resolves.toBeDefined();
    const rotten = Buffer.from(stored);
    // The last number of x, from 0.25 to 0.3125.
    const at = rotten.indexOf(Buffer.from(x)) + x.length - 2;
    rotten[at] = 0xa0;
    await expect(read(rotten)).rejects.toThrow(
      /b\.npz cannot be unpacked: the checksum of "x\.npy" is wrong/,
    );
    const large = Buffer.from(zipSync(whole));
    const entry = large.indexOf(Buffer.from("PK\x01\x02", "latin1"));
    large.writeUInt32LE(2 ** 31 - 1, entry + 24);
    await expect(read(large)).rejects.toThrow(
      /"x\.npy" states 2147483647 bytes/,
    );
  });

  it("are refused when they are cut, or say what they are not", async () => {
    const x = npyFile("<f4", [2, 2], bytesOf(Float32Array.of(0, 0.5, 1, 0.25)));
    await fc.assert(
      fc.asyncProperty(fc.nat(x.length - 1), async (at) => {
        await expect(load(x.slice(0, at), labels)).rejects.toThrow(/x\.npy/);
      }),
      { numRuns: 20 },
    );
    await expect(
      load(npyFile("|O", [2, 2], new Uint8Array(4)), labels),
    ).rejects.toThrow(/expected an array of numbers, found '\|O'/);
    await expect(
      load(x, npyFile("<U3", [2], new Uint8Array(24))),
    ).rejects.toMatchObject({ hint: expect.stringContaining("numpy.unique") });
    await expect(load(labels, x)).rejects.toThrow(/x\.npy has shape \[2\]/);
    await expect(
      load(x, npyFile("<i8", [2], bytesOf(BigInt64Array.of(2n ** 40n, 0n)))),
    ).rejects.toThrow(/classes counted from 0/);
    await expect(
      load(
        npyFile("<f4", [2, 2], bytesOf(Float32Array.of(0, 2, 1, 0))),
        labels,
      ),
    ).rejects.toThrow(/x\.npy, sample 0 has the value 2/);
  });
});
