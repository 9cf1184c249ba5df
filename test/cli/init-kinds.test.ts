import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { expect, test } from "vitest";
import { loadSuite } from "#audit";
import { encodeNpy, packagePath, Random } from "#core";
import { writeModel } from "#onnx";
import { put, temporaryFolder } from "../folder.ts";
import { linearModel } from "../reference.ts";
import { assay } from "./assay.ts";

const folder = temporaryFolder();

/** What `init` writes runs to its end. */
async function writesWhatRuns(at: string, ...options: string[]) {
  const written = await assay(at, "init", "--yes", ...options);
  expect([written.code, written.err]).toEqual([0, ""]);
  const ran = await assay(at, "run", "--quick", "--quiet");
  expect([ran.code, ran.err]).toEqual([0, ""]);
  return (await loadSuite(join(at, "assay.yaml"))).suite;
}

/** Rows of who is granted what, and the rule as a model of columns as they are. */
function loans(name: string, decides = true): string {
  const at = join(folder, name);
  const random = new Random(5);
  const rows = Array.from({ length: 200 }, () => {
    const age = 18 + random.below(70);
    const income = 5000 + 100_000 * random.uniform();
    return `${age},${income},${income > 900 * age ? "yes" : "no"}`;
  });
  put(at, "loans.csv", ["age,income,granted", ...rows].join("\n"));
  const rule = decides ? [-0.9, 0.001] : [0, 0];
  const bias = decides ? 0 : 1;
  writeModel(
    join(at, "granted.onnx"),
    linearModel([[0, 0], rule], [0, bias]).graph,
  );
  return at;
}

test("a table: a model of columns as they are", async () => {
  const at = loans("table");
  const asked = await assay(at, "init");
  expect(asked.code).toBe(2);
  expect(asked.err).toContain("--label <column>");
  const suite = await writesWhatRuns(at, "--label", "granted");
  expect(suite.data).toMatchObject({ source: "csv", label: "granted" });
  const planned = await assay(at, "plan");
  expect([planned.code, planned.err]).toEqual([0, ""]);
  expect(planned.out).toMatch(/cells/);
});

test("a table of which nobody can tell what its model takes, until it is stated", async () => {
  const at = loans("units", false);
  const refused = await assay(at, "init", "--label", "granted");
  expect(refused.code).toBe(2);
  expect(refused.err).toContain("--units");
  const suite = await writesWhatRuns(
    at,
    ...["--label", "granted", "--units", "raw"],
  );
  expect(suite.data).toMatchObject({ units: "raw" });
});

test("a table of Parquet, which names its columns itself", async () => {
  const at = join(folder, "parquet");
  const random = new Random(5);
  const rows = Array.from({ length: 200 }, () => {
    const [age, income] = [18 + random.below(70), 1e5 * random.uniform()];
    return { age, income, granted: income > 900 * age ? "yes" : "no" };
  });
  const written = parquetWriteBuffer({
    columnData: [
      { name: "age", data: rows.map(({ age }) => age), type: "INT32" },
      {
        ...{ name: "income", type: "DOUBLE" },
        data: rows.map(({ income }) => income),
      },
      {
        ...{ name: "label", type: "STRING" },
        data: rows.map(({ granted }) => granted),
      },
    ],
  });
  put(at, "loans.parquet", new Uint8Array(written));
  const weights = [
    [0, 0],
    [-0.9, 0.001],
  ];
  writeModel(join(at, "granted.onnx"), linearModel(weights, [0, 0]).graph);
  const suite = await writesWhatRuns(at);
  expect(suite.data).toMatchObject({ source: "parquet", label: "label" });
});

test("arrays of NumPy", async () => {
  const at = join(folder, "arrays");
  put(at, "digits.onnx", readFileSync(packagePath("examples/digits.onnx")));
  const random = new Random(5);
  const [x, y] = [
    Float32Array.from({ length: 100 * 64 }, () => random.uniform()),
    Float32Array.from({ length: 100 }, (_, i) => i % 10),
  ];
  const arrays = {
    "x.npy": encodeNpy({ dims: [100, 1, 8, 8], data: x }),
    "y.npy": encodeNpy({ dims: [100], data: y }),
  };
  put(at, "test.npz", zipSync(arrays));
  const suite = await writesWhatRuns(at);
  expect(suite.data).toMatchObject({ source: "npz", path: "test.npz" });
});

test("texts, with a tokenizer", async () => {
  const at = join(folder, "texts");
  for (const [name, file] of [
    ["model.onnx", "base.onnx"],
    ["reviews.tsv", "reviews.tsv"],
    ["vocab.txt", "vocab.txt"],
  ] as const)
    put(at, name, readFileSync(packagePath("suites", "texts", file)));
  const suite = await writesWhatRuns(at);
  expect(suite.data).toMatchObject({ source: "text", label: "label" });
});

test("images in folders of train and test, one for each class", async () => {
  const at = join(folder, "images");
  put(at, "digits.onnx", readFileSync(packagePath("examples/digits.onnx")));
  for (const part of ["train", "test"])
    for (let i = 0; i < 60; i++)
      put(
        at,
        `data/${part}/${i % 10}/${i}.png`,
        await sharp(Buffer.alloc(64, 2 * i), {
          raw: { width: 8, height: 8, channels: 1 },
        })
          .png()
          .toBuffer(),
      );
  const suite = await writesWhatRuns(at);
  expect(suite.data).toMatchObject({ source: "image-folder", size: 8 });
});

test.each(["image", "tabular", "text"])(
  "nothing at all: a suite on built-in data to start from, %s",
  async (template) => {
    const at = join(folder, `nothing-${template}`);
    put(at, "notes.txt", "");
    await writesWhatRuns(at, "--template", template);
  },
);
