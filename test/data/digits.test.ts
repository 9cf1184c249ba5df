import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packagePath } from "#core";
import { dataSpecSchema, loadDataset } from "#data";

describe("digits", async () => {
  const digits = await loadDataset({ source: "digits" }, "/nowhere");

  it("has 1,797 images of 8x8 and the known number of each digit", () => {
    expect(digits.name).toBe("digits");
    expect(digits.x.dims).toEqual([1797, 1, 8, 8]);
    expect(digits.classes).toEqual([..."0123456789"]);
    const counts = new Array(10).fill(0);
    for (const label of digits.y) counts[label]++;
    expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
  });

  it("begins with a nought", () => {
    expect(digits.y[0]).toBe(0);
    const image = Array.from(digits.x.data.subarray(0, 16), (v) => v * 16);
    expect(image).toEqual([
      0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0,
    ]);
  });

  it("is stretched to a size, and keeps what it shows", async () => {
    const large = await loadDataset({ source: "digits", size: 16 }, ".");
    expect(large.x.dims).toEqual([1797, 1, 16, 16]);
    const mean = (data: Float32Array) =>
      data.reduce((sum, v) => sum + v, 0) / data.length;
    expect(mean(large.x.data)).toBeCloseTo(mean(digits.x.data), 2);
    expect(Math.max(...large.x.data.subarray(0, 256))).toBeGreaterThan(0.8);
    const same = await loadDataset({ source: "digits", size: 8 }, ".");
    expect(same.fingerprint).toBe(digits.fingerprint);
  });

  it("has the same fingerprint wherever the suite lies", async () => {
    const again = await loadDataset({ source: "digits" }, ".");
    expect(again.fingerprint).toBe(digits.fingerprint);
    expect(digits.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("the data of a suite", () => {
  it.each([
    { source: "digits" },
    { source: "idx", images: "a", labels: "b", classes: ["x"] },
    { source: "image-folder", path: "a", size: 32, channels: 3 },
    { source: "image-folder", path: "a", size: [32, 48] },
  ])("may be %j", (spec) => {
    expect(dataSpecSchema.parse(spec)).toEqual(spec);
  });

  it.each([
    { source: "mnist" },
    { source: "digits", path: "a" },
    { source: "idx", images: "a" },
    { source: "image-folder", path: "a", size: 0 },
    { source: "image-folder", path: "a", size: [8, 8, 3] },
    { source: "image-folder", path: "a", channels: 2 },
  ])("may not be %j", (spec) => {
    expect(dataSpecSchema.safeParse(spec).success).toBe(false);
  });
});

const mnist = packagePath("../shared/data/mnist");
const present = existsSync(mnist);
if (!present) console.info("MNIST is not here; its test is skipped.");

describe.skipIf(!present)("MNIST in ../shared", () => {
  it("loads the 10,000 test images", async () => {
    const data = await loadDataset(
      {
        source: "idx",
        images: "t10k-images-idx3-ubyte.gz",
        labels: join(mnist, "t10k-labels-idx1-ubyte.gz"),
      },
      mnist,
    );
    expect(data.name).toBe("t10k-images-idx3-ubyte");
    expect(data.x.dims).toEqual([10000, 1, 28, 28]);
    expect(Array.from(data.y.subarray(0, 5))).toEqual([7, 2, 1, 0, 4]);
    expect(data.classes).toEqual([..."0123456789"]);
    // The mean grey value of the test images, as published for MNIST.
    const mean = data.x.data.reduce((a, b) => a + b, 0) / data.x.data.length;
    expect(mean).toBeCloseTo(0.1325, 3);
  });
});
