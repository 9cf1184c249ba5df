import { describe, expect, it } from "vitest";
import { AssayError, Random, UsageError } from "#core";
import {
  dataset,
  selectClasses,
  splitDataset,
  stratifiedSample,
  takeSamples,
} from "#data";
import { floats } from "#onnx";
import { validate } from "../../src/data/validate.ts";
import { indicesOf, numbered } from "./tiny.ts";

const data = dataset(
  "animals",
  floats([5, 1, 1, 1], [0, 0.2, 0.4, 0.6, 0.8]),
  Int32Array.from([0, 1, 2, 1, 0]),
  ["cat", "dog", "horse"],
);

describe("selectClasses", () => {
  it("keeps the named classes in the order of the names", () => {
    const kept = selectClasses(data, ["horse", "cat"]);
    expect(kept.classes).toEqual(["horse", "cat"]);
    expect(indicesOf(kept, 5)).toEqual([0, 2, 4]);
    expect(Array.from(kept.y)).toEqual([1, 0, 1]);
    expect(kept.fingerprint).not.toBe(data.fingerprint);
  });

  it("changes nothing when all are named in order", () => {
    const kept = selectClasses(data, data.classes);
    expect(kept.fingerprint).toBe(data.fingerprint);
  });

  it("names the nearest class for one that is not there", () => {
    let caught: unknown;
    try {
      selectClasses(data, ["cat", "hrose"]);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(UsageError);
    expect(caught).toMatchObject({
      code: "DATA_CLASS_UNKNOWN",
      message: '"hrose" is not a class of animals',
      hint: 'Did you mean "horse"? Its classes are: cat, dog, horse.',
    });
  });

  it.each([[[]], [["cat", "cat"]], [["submarine"]]])(
    "refuses %j",
    (classes) => {
      expect(() => selectClasses(data, classes)).toThrow(UsageError);
    },
  );
});

describe("takeSamples", () => {
  it("takes them in the order asked, and more than once if asked", () => {
    const taken = takeSamples(data, [4, 0, 4]);
    expect(indicesOf(taken, 5)).toEqual([4, 0, 4]);
    expect(Array.from(taken.y)).toEqual([0, 0, 0]);
    expect(taken.classes).toEqual(data.classes);
  });

  it("copies", () => {
    const before = data.fingerprint;
    const taken = takeSamples(data, [0]);
    taken.x.data[0] = 1;
    taken.y[0] = 2;
    const again = dataset(data.name, data.x, data.y, data.classes);
    expect(again.fingerprint).toBe(before);
  });

  it.each([-1, 5, 0.5])("refuses index %d of 5", (index) => {
    expect(() => takeSamples(data, [index])).toThrow(AssayError);
  });
});

describe("the fingerprint", () => {
  it("depends on content, not on the name", () => {
    const renamed = dataset("zoo", data.x, data.y, data.classes);
    expect(renamed.fingerprint).toBe(data.fingerprint);
    expect(numbered([0, 1], 2).fingerprint).not.toBe(
      numbered([1, 0], 2).fingerprint,
    );
  });
});

describe("every dataset that is read", () => {
  const good = {
    name: "made",
    x: data.x,
    y: data.y,
    classes: data.classes,
    locate: (part: string, sample?: number) =>
      sample === undefined ? `${part}.bin` : `${part}.bin, sample ${sample}`,
  };

  it("passes when nothing is wrong with it", () => {
    expect(() => validate(good)).not.toThrow();
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -0.01, 1.01])(
    "is refused for the pixel %d",
    (value) => {
      const x = floats([5, 1, 1, 1], [0, 0, 0, value, 0]);
      expect(() => validate({ ...good, x })).toThrow(
        /^pixels\.bin, sample 3 has the value /,
      );
    },
  );

  it.each([-1, 3])("is refused for the label %d of 3 classes", (label) => {
    const y = Int32Array.from([0, 1, 2, label, 0]);
    expect(() => validate({ ...good, y })).toThrow(
      `labels.bin, sample 3 has label ${label}, expected 0 to 2`,
    );
  });

  it("is refused when counts differ, a class is empty or there is nothing", () => {
    const fewer = { ...good, y: Int32Array.from([0, 1, 2]) };
    expect(() => validate(fewer)).toThrow(
      "pixels.bin has 5 images and labels.bin has 3 labels",
    );
    const without = { ...good, y: Int32Array.from([0, 0, 2, 2, 0]) };
    expect(() => validate(without)).toThrow('no samples of class 1 ("dog")');
    const nothing = {
      ...good,
      x: floats([0, 1, 1, 1], []),
      y: new Int32Array(),
    };
    expect(() => validate(nothing)).toThrow("labels.bin has no samples");
  });
});

describe("targets", () => {
  const several = dataset(
    "several",
    floats([3, 1, 1, 1], [0, 0.4, 0.8]),
    new Int32Array(3),
    ["red", "green"],
    floats([3, 2], [1, 0, 1, 1, 0, 0]),
  );
  const rowsOf = ({ targets }: { targets?: { data: Float32Array } }) =>
    Array.from(targets?.data ?? []);

  it("go with their samples, and count in the fingerprint", () => {
    expect(rowsOf(takeSamples(several, [2, 0]))).toEqual([0, 0, 1, 0]);
    const other = dataset(
      several.name,
      several.x,
      several.y,
      several.classes,
      floats([3, 2], [1, 0, 1, 1, 0, 1]),
    );
    expect(other.fingerprint).not.toBe(several.fingerprint);
  });

  it("keep the named columns of every sample", () => {
    const kept = selectClasses(several, ["green"]);
    expect(rowsOf(kept)).toEqual([0, 1, 0]);
    expect(kept.y).toHaveLength(3);
  });

  it("are divided as a whole", () => {
    const shares = { train: 1 / 3, validation: 1 / 3, test: 1 / 3 };
    const parts = splitDataset(several, shares, new Random(1));
    expect(Object.values(parts).map(({ y }) => y.length)).toEqual([1, 1, 1]);
    const all = Object.values(parts).flatMap(rowsOf);
    expect(all.sort()).toEqual([0, 0, 0, 1, 1, 1]);
    expect(stratifiedSample(several, 2, new Random(1))).toHaveLength(2);
  });

  it.each([
    ["another number of rows", floats([2, 2], [1, 0, 1, 1]), /\[2, 2\]/],
    ["a column without a name", floats([3, 1], [1, 0, 1]), /red, green/],
    ["no number", floats([3, 2], [1, 0, Number.NaN, 1, 0, 0]), /NaN for "red"/],
  ])("refuses %s", (_what, targets, message) => {
    const locate = () => "labels.npy";
    expect(() => validate({ ...several, targets, locate })).toThrow(message);
  });
});
