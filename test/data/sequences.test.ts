import { describe, expect, test } from "vitest";
import { encodeNpy } from "#core";
import {
  type DataSpec,
  dataSpecSchema,
  encodePng,
  loadDataset,
  selectClasses,
  withBlank,
} from "#data";
import { floats } from "#onnx";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

const load = (spec: Record<string, unknown>) =>
  loadDataset(dataSpecSchema.parse(spec) as DataSpec, folder);

describe("arrays", () => {
  const arrays = (
    labels: readonly (readonly number[])[],
    more: Record<string, unknown> = {},
  ) => {
    const [width = 0] = labels.map((l) => l.length);
    const x = new Float32Array(labels.length * 6);
    put(folder, "x.npy", encodeNpy(floats([labels.length, 3, 2], x)));
    put(
      folder,
      "y.npy",
      encodeNpy(floats([labels.length, width], labels.flat())),
    );
    put(folder, "frames.npy", encodeNpy(floats([2], [2, 3])));
    const spec = { source: "npy", x: "x.npy", y: "y.npy" };
    return load({ ...spec, answers: "sequences", ...more });
  };

  test("numbers of outputs, the blank first", async () => {
    const data = await arrays([
      [1, 3, -100],
      [2, -100, -100],
    ]);
    expect(data.positions).toBe("unaligned");
    expect(data.x.dims).toEqual([2, 3, 2]);
    expect(data.classes).toEqual(["0", "1", "2"]);
    expect([...(data.targets?.data ?? [])]).toEqual([0, 0, 2, 0, 1, -1]);
  });

  test("the blank last, or not among them, and steps that count", async () => {
    const spec = { classes: ["a", "b", "c"], frames: "frames.npy" };
    for (const blank of [3, -1]) {
      const data = await arrays(
        [
          [0, 2],
          [1, -100],
        ],
        { ...spec, blank },
      );
      expect([...(data.targets?.data ?? [])]).toEqual([2, 0, 2, 3, 1, -1]);
    }
  });

  test.each([
    [
      "the blank",
      [[1, 0]],
      {},
      /has 0 in its sequence, the number of the blank/,
    ],
    ["a gap", [[1, -100, 2]], {}, /has 2 in its sequence/],
    ["half a class", [[1.5]], {}, /has 1.5 in its sequence/],
    ["a class without a name", [[3]], { classes: ["a"] }, /has class 2 in its/],
    [
      "frames of others",
      [[1]],
      { frames: "frames.npy" },
      /frames have shape \[2\], expected \[1\]/,
    ],
  ] as [string, number[][], Record<string, unknown>, RegExp][])(
    "%s: refused",
    async (_name, labels, more, message) => {
      await expect(arrays(labels, more)).rejects.toThrow(message);
    },
  );

  test("as a task with a blank has it", async () => {
    const spec = { classes: ["a", "b", "c"], frames: "frames.npy" };
    const data = await arrays(
      [
        [1, 3],
        [2, -100],
      ],
      spec,
    );
    const { classes, targets } = withBlank(data, 3);
    expect(classes).toEqual(["<blank>", "a", "b", "c"]);
    expect(targets?.dims).toEqual([2, 4]);
    expect([...(targets?.data ?? [])]).toEqual([2, 1, 3, -1, 3, 2, -1, -1]);
    expect(() => withBlank(data, 1)).toThrow(
      /a label of 2 classes \(ac\), expected at most 1/,
    );
    const turned = selectClasses(data, ["c", "b", "a"]);
    expect([...(turned.targets?.data ?? [])]).toEqual([2, 2, 0, 3, 1, -1]);
    expect(() => selectClasses(data, ["a", "b"])).toThrow(
      /has "c" in its sequences, which was not selected/,
    );
  });
});

describe("transcripts", () => {
  const written = async (name: string, text: string) => {
    const png = await encodePng(new Float32Array(12), [1, 3, 4]);
    for (const file of ["one.png", "two.png"]) put(folder, file, png);
    put(folder, name, text);
    return { source: "transcripts", path: name, channels: 1 };
  };

  test("texts of characters in a table", async () => {
    const spec = await written(
      "lines.csv",
      'image,text,part\none.png,"b,é",train\ntwo.png,bb,test\n',
    );
    const data = await load({ ...spec, split: "part" });
    expect(data.x.dims).toEqual([2, 1, 3, 4]);
    expect(data.classes).toEqual([",", "b", "é"]);
    expect([...(data.targets?.data ?? [])]).toEqual([0, 1, 0, 2, 0, 1, 1, -1]);
    expect(data.parts).toEqual(["train", "test"]);
  });

  test("lists of names, and an empty text", async () => {
    const spec = await written(
      "lines.jsonl",
      '{"file": "one.png", "words": ["go", "left"]}\n{"file": "two.png", "words": []}\n',
    );
    const data = await load({ ...spec, image: "file", text: "words" });
    expect(data.classes).toEqual(["go", "left"]);
    expect([...(data.targets?.data ?? [])]).toEqual([0, 0, 1, 0, -1, -1]);
  });

  test.each([
    [
      "image,text\none.png,ab\n",
      { classes: ["a"] },
      /has "b", expected one of: a/,
    ],
    ["image,text\n,ab\n", {}, /column "image" names no file/],
    [
      "image,text\none.png,ab\n",
      { classes: ["a", "b", "<blank>"] },
      /named "<blank>"/,
    ],
    ["image,text\none.png,ab\n", { text: "says" }, /has no column "says"/],
  ] as [string, Record<string, unknown>, RegExp][])(
    "%j %j: refused",
    async (text, more, message) => {
      const spec = await written("bad.csv", text);
      await expect(load({ ...spec, ...more })).rejects.toThrow(message);
    },
  );
});
