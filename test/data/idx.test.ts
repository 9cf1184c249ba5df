import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadDataset } from "#data";
import { put, temporaryFolder } from "../folder.ts";
import { idxFile } from "./tiny.ts";

const folder = temporaryFolder();
const spec = { source: "idx", images: "images", labels: "labels" } as const;

/** Three images of 2x2, labels 0 1 0. */
const pixels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255];
const images = idxFile([3, 2, 2], pixels);
const labels = idxFile([3], [0, 1, 0]);

async function load(imageBytes: Uint8Array, labelBytes: Uint8Array = labels) {
  put(folder, "images", imageBytes);
  put(folder, "labels", labelBytes);
  return await loadDataset(spec, folder);
}

describe("idx files", () => {
  it("come back as they were written, gzip or plain", async () => {
    const dimension = fc.integer({ min: 1, max: 5 });
    const written = fc
      .tuple(dimension, dimension, dimension, fc.constantFrom(1, 3))
      .chain(([n, h, w, c]) =>
        fc.record({
          dims: fc.constant([n, h, w, c]),
          bytes: fc.uint8Array({
            minLength: n * h * w * c,
            maxLength: n * h * w * c,
          }),
          zipImages: fc.boolean(),
          zipLabels: fc.boolean(),
        }),
      );
    await fc.assert(
      fc.asyncProperty(
        written,
        async ({ dims, bytes, zipImages, zipLabels }) => {
          const [n = 0, h = 0, w = 0, c = 0] = dims;
          const image = idxFile(c === 1 ? [n, h, w] : dims, bytes);
          const label = idxFile([n], new Array(n).fill(0));
          const data = await load(
            zipImages ? gzipSync(image) : image,
            zipLabels ? gzipSync(label) : label,
          );
          expect(data.x.dims).toEqual([n, c, h, w]);
          const back = new Uint8Array(bytes.length);
          data.x.data.forEach((value, i) => {
            const place = i % (h * w);
            const channel = Math.floor(i / (h * w)) % c;
            const sample = Math.floor(i / (h * w * c));
            back[(sample * h * w + place) * c + channel] = Math.round(
              value * 255,
            );
          });
          expect(back).toEqual(bytes);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("name classes after their numbers, or as told", async () => {
    expect((await load(images)).classes).toEqual(["0", "1"]);
    const named = await loadDataset({ ...spec, classes: ["a", "b"] }, folder);
    expect(named.classes).toEqual(["a", "b"]);
    expect(Array.from(named.y)).toEqual([0, 1, 0]);
  });

  it("have a row of targets a sample, where labels have two dimensions", async () => {
    const data = await load(images, idxFile([3, 2], [1, 0, 1, 1, 0, 7]));
    expect(data.targets?.dims).toEqual([3, 2]);
    expect(Array.from(data.targets?.data ?? [])).toEqual([1, 0, 1, 1, 0, 7]);
    expect(data.classes).toEqual(["0", "1"]);
    expect(Array.from(data.y)).toEqual([0, 0, 0]);
  });

  it("are refused when cut off anywhere", async () => {
    for (const file of [images, labels]) {
      for (let length = 0; length < file.length; length++) {
        const cut = file.subarray(0, length);
        const [a, b] = file === images ? [cut, labels] : [images, cut];
        await expect(load(a, b), `${length} bytes`).rejects.toMatchObject({
          code: "DATA_TRUNCATED",
          message: expect.stringContaining(`ends after ${length} bytes`),
        });
      }
    }
  });

  it("are refused when cut off anywhere in the gzip file", async () => {
    const zipped = gzipSync(images);
    for (let length = 2; length < zipped.length; length++) {
      await expect(
        load(zipped.subarray(0, length)),
        `${length} bytes`,
      ).rejects.toMatchObject({ code: "DATA_TRUNCATED" });
    }
  });

  it("are refused when the gzip file is damaged", async () => {
    const zipped = gzipSync(images);
    zipped.writeUInt8((zipped.at(-6) as number) ^ 0xff, zipped.length - 6);
    await expect(load(zipped)).rejects.toMatchObject({ code: "DATA_CORRUPT" });
  });

  it("are refused when longer than they declare", async () => {
    const longer = Buffer.concat([images, Buffer.alloc(1)]);
    for (const file of [longer, gzipSync(longer)]) {
      await expect(load(file)).rejects.toMatchObject({ code: "DATA_TOO_LONG" });
    }
  });

  it("are refused unread when they declare more than fits", async () => {
    const vast = idxFile([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], []);
    await expect(load(vast)).rejects.toMatchObject({ code: "DATA_TRUNCATED" });
    await expect(load(gzipSync(vast))).rejects.toMatchObject({
      code: "DATA_TOO_LARGE",
    });
  });

  it("stop unpacking at the declared length", async () => {
    const bomb = gzipSync(Buffer.concat([images, Buffer.alloc(5e7)]));
    await expect(load(bomb)).rejects.toMatchObject({ code: "DATA_TOO_LONG" });
  });

  it.each([
    ["text", Buffer.from("0,0,5,13")],
    ["a PNG", Buffer.from("89504e470d0a1a0a", "hex")],
    ["an unknown type", idxFile([3, 2, 2], pixels, 10)],
    ["no dimension", Buffer.from([0, 0, 8, 0])],
  ])("are refused when they hold %s", async (_what, file) => {
    await expect(load(file)).rejects.toMatchObject({
      code: "DATA_FORMAT",
      message: expect.stringContaining("is not an idx file"),
    });
  });

  it("are refused by name when their elements are not bytes", async () => {
    await expect(load(idxFile([3, 2, 2], pixels, 13))).rejects.toMatchObject({
      code: "DATA_FORMAT",
      message: expect.stringContaining("32-bit float"),
    });
  });

  it.each([
    ["labels for images", labels, labels],
    ["images for labels", images, images],
    ["two channels", idxFile([3, 1, 2, 2], pixels), labels],
    ["images without width", idxFile([3, 2, 0], []), labels],
  ])("are refused when given %s", async (_what, a, b) => {
    await expect(load(a, b)).rejects.toMatchObject({ code: "DATA_SHAPE" });
  });

  it("must agree on the number of samples", async () => {
    await expect(load(images, idxFile([2], [0, 1]))).rejects.toMatchObject({
      code: "DATA_COUNT",
      message: expect.stringMatching(
        /images has 3 images .*labels has 2 labels/,
      ),
    });
  });

  it("must have samples", async () => {
    await expect(
      load(idxFile([0, 2, 2], []), idxFile([0], [])),
    ).rejects.toMatchObject({ code: "DATA_EMPTY" });
  });

  it("must have a label for each class name and the other way round", async () => {
    await load(images);
    await expect(
      loadDataset({ ...spec, classes: ["a"] }, folder),
    ).rejects.toMatchObject({
      code: "DATA_LABEL",
      message: expect.stringMatching(
        /labels, sample 1 has label 1, expected 0/,
      ),
    });
    await expect(
      loadDataset({ ...spec, classes: ["a", "b", "c"] }, folder),
    ).rejects.toMatchObject({
      code: "DATA_CLASS_EMPTY",
      message: expect.stringContaining('class 2 ("c")'),
    });
    await expect(
      loadDataset({ ...spec, classes: ["a", "a"] }, folder),
    ).rejects.toMatchObject({ code: "DATA_CLASSES" });
  });

  it("must exist", async () => {
    await expect(
      loadDataset({ ...spec, images: "missing" }, folder),
    ).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  });
});

describe("the fingerprint of idx files", () => {
  it("is the same for the same content elsewhere, zipped or not", async () => {
    const here = (await load(images)).fingerprint;
    const there = temporaryFolder();
    put(there, "x.gz", gzipSync(images));
    put(there, "y.gz", gzipSync(labels));
    const moved = await loadDataset(
      { source: "idx", images: "x.gz", labels: "y.gz" },
      there,
    );
    expect(moved.fingerprint).toBe(here);
  });

  it("changes with one pixel, one label, one class name, the shape", async () => {
    const brighter = idxFile([3, 2, 2], pixels.with(5, 6));
    const relabelled = idxFile([3], [0, 1, 1]);
    const prints = [
      await load(images),
      await load(brighter),
      await load(images, relabelled),
      await load(idxFile([3, 1, 4], pixels)),
      await loadDataset({ ...spec, classes: ["0", "one"] }, folder),
    ].map((data) => data.fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
  });
});
