import { expect, test } from "vitest";
import { encodeNpy } from "#core";
import { type Dataset, encodePng } from "#data";
import { floats } from "#onnx";
import { loadSuite } from "../../../src/audit/suite/index.ts";
import { prepareData } from "../../../src/audit/tasks/index.ts";
import { put, temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();

/** The parts of a suite of this data, each as what its samples hold. */
async function partsOf<T>(
  seen: (part: Dataset) => T[],
  data: string,
  more = "",
) {
  const file = put(
    folder,
    "suite.yaml",
    `version: 1\ntitle: t\ndata: ${data}\n${more}\ncandidates: { a: { model: m.onnx } }\n`,
  );
  const { target } = await prepareData(await loadSuite(file));
  const { train, validation, test } = target;
  return [train, validation, test].map(seen);
}

const rows = (parts: string[]) => {
  const lines = parts.map((part, i) => `${i},${part},${i % 2 ? "yes" : "no"}`);
  put(folder, "t.csv", ["n,fold,y", ...lines].join("\n"));
};
const csv =
  "{ source: csv, path: t.csv, label: y, split: fold, columns: { n: { type: integer, range: [0, 100] } } }";
const hundredths = ({ x }: Dataset) =>
  Array.from(x.data, (v) => Math.round(100 * v));

test("a column says which part a row is in, and is no input", async () => {
  rows([
    "test",
    "train",
    "val",
    "Train",
    "test",
    "train",
    "validation",
    "train",
  ]);
  expect(await partsOf(hundredths, csv)).toEqual([
    [1, 3, 5, 7],
    [2, 6],
    [0, 4],
  ]);
  const [train] = await partsOf(
    ({ table }) => table?.columns.map((c) => c.name) ?? [],
    "{ source: csv, path: t.csv, label: y, split: fold }",
  );
  expect(train).toEqual(["n"]);
});

test("validation is drawn from training rows where there is none", async () => {
  rows(Array.from({ length: 60 }, (_, i) => (i < 50 ? "train" : "test")));
  const [train = [], validation = [], tested] = await partsOf(hundredths, csv);
  expect(tested).toEqual([50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
  expect([...train, ...validation].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 50 }, (_, i) => i),
  );
  // 0.15 of 0.75.
  expect(validation).toHaveLength(10);
});

test("folders called train and test hold those of the classes", async () => {
  const image = (v: number) => encodePng([v], [1, 1, 1]);
  for (const [path, v] of [
    ["train/cat/1.png", 0.2],
    ["train/dog/1.png", 0.4],
    ["val/cat/deep/1.png", 0.6],
    ["val/dog/1.png", 0.8],
    ["test/dog/1.png", 1],
  ] as const)
    put(folder, `images/${path}`, await image(v));
  put(folder, "images/Thumbs.db", "cache");
  const seen = ({ x, y, classes }: Dataset) =>
    Array.from(y, (k, i) => [
      classes[k],
      Math.round(10 * x.data[(i * x.data.length) / y.length]!),
    ]);
  expect(await partsOf(seen, "{ source: image-folder, path: images }")).toEqual(
    [
      [
        ["cat", 2],
        ["dog", 4],
      ],
      [
        ["cat", 6],
        ["dog", 8],
      ],
      [["dog", 10]],
    ],
  );
});

test("files of indices split any data", async () => {
  const values = floats(
    [6, 2],
    Array.from({ length: 12 }, (_, i) => i / 20),
  );
  put(folder, "x.npy", encodeNpy(values));
  put(folder, "y.npy", encodeNpy(floats([6], [0, 1, 0, 1, 0, 1])));
  put(folder, "train.txt", "4\n1\n3\n");
  put(folder, "validation.npy", encodeNpy(floats([2], [0, 5])));
  put(folder, "test.txt", "2\n");
  const first = ({ x }: Dataset) =>
    Array.from(
      x.data.filter((_, i) => i % 2 === 0),
      (v) => Math.round(10 * v),
    );
  const data = "{ source: npy, x: x.npy, y: y.npy }";
  const files =
    "split: { train: train.txt, validation: validation.npy, test: test.txt }";
  expect(await partsOf(first, data, files)).toEqual([[1, 3, 4], [0, 5], [2]]);

  put(folder, "test.txt", "4\n");
  await expect(partsOf(first, data, files)).rejects.toThrow(
    /test\.txt, entry 1 is 4, which is in train already/,
  );
  put(folder, "test.txt", "6\n");
  await expect(partsOf(first, data, files)).rejects.toThrow(
    /entry 1 is 6, expected whole numbers from 0 to 5, since x has 6 samples/,
  );
  put(folder, "test.txt", "two\n");
  await expect(partsOf(first, data, files)).rejects.toThrow(
    /test\.txt has "two"/,
  );
});

test("a split that is stated twice, half or not at all is refused", async () => {
  rows(["train", "test", "train", "test"]);
  await expect(
    partsOf(
      hundredths,
      csv,
      "split: { train: 0.5, validation: 0.25, test: 0.25 }",
    ),
  ).rejects.toThrow("t is split by its folders or by a column");
  rows(["train", "train", "3", "train"]);
  await expect(partsOf(hundredths, csv)).rejects.toThrow(
    /line 4, column "fold" has "3", expected train, validation or test/,
  );
  rows(["train", "train", "val", "val"]);
  await expect(partsOf(hundredths, csv)).rejects.toThrow(
    "the split of t has no test samples",
  );
});
