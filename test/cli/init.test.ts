import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { expect, test } from "vitest";
import { loadSuite, planSuite } from "#audit";
import { packagePath } from "#core";
import { nobody } from "../../src/cli/init/ask.ts";
import { headerOf } from "../../src/cli/init/header.ts";
import { lookAt } from "../../src/cli/init/look.ts";
import { starterFiles, starterText } from "../../src/cli/init/starter.ts";
import { suiteText } from "../../src/cli/init/suite-text.ts";
import { put, temporaryFolder } from "../folder.ts";
import { assay } from "./assay.ts";

const folder = temporaryFolder();

const png = (grey: number) =>
  sharp(Buffer.alloc(64, grey), { raw: { width: 8, height: 8, channels: 1 } })
    .png()
    .toBuffer();

test("a folder with a model and images gets a suite that plan takes, once", async () => {
  const at = join(folder, "images");
  put(at, "digits.onnx", readFileSync(packagePath("examples/digits.onnx")));
  for (let i = 0; i < 100; i++)
    put(at, `data/${i % 10}/${i}.png`, await png(2 * i));
  const { code, out } = await assay(at, "init");
  expect(code).toBe(0);
  expect(out).toMatch(/^assay\.yaml is written, and .*\nIts works take about /);
  const { suite } = await loadSuite(join(at, "assay.yaml"));
  expect(suite.data).toMatchObject({ path: "data", size: 8, channels: 1 });
  const workflow = ".github/workflows/assay.yml";
  expect(readFileSync(join(at, workflow), "utf8")).toBe(
    readFileSync(packagePath("ci/github/assay.yml"), "utf8"),
  );
  const again = await assay(at, "init");
  expect(again.code).toBe(2);
  expect(again.err).toContain("assay.yaml and .github/workflows/assay.yml are");
  expect(existsSync(join(at, ".assay-init.yaml"))).toBe(false);
});

test.each(["image", "tabular", "text"] as const)(
  "without a model there is a suite to start from: %s",
  async (template) => {
    const at = join(folder, `starter-${template}`);
    for (const [name, content] of starterFiles(template))
      put(at, name, content);
    const file = put(at, "assay.yaml", starterText(template, "Soon."));
    expect(planSuite(await loadSuite(file)).cells.length).toBeGreaterThan(0);
  },
);

test("files are told by their names, and folders by what is in them", () => {
  const at = join(folder, "look");
  for (const name of [
    ...["model.onnx", "data/train/cat/1.png", "data/train/dog/2.JPG"],
    ...["data/test/cat/1.png", "data/test/dog/2.png", "flat/1.png"],
    ...["node_modules/x/model.onnx", ".hidden/model.onnx", "rows.csv"],
    ...["text/tokenizer.json", "text/reviews.tsv", "arrays.npz"],
  ])
    put(at, name, "");
  expect(lookAt(at)).toEqual({
    models: ["model.onnx"],
    images: ["data"],
    tables: ["rows.csv", "text/reviews.tsv"],
    arrays: ["arrays.npz"],
    tokenizers: ["text/tokenizer.json"],
  });
});

test("columns are named by the first line, or by the file of itself", async () => {
  const names = (file: string, text: string) =>
    headerOf(put(folder, file, text));
  expect(await names("a.csv", '\uFEFFage,"a, b",label\n1,2,3')).toEqual([
    ...["age", "a, b", "label"],
  ]);
  expect(await names("a.tsv", "text\tlabel\r\nx\ty")).toEqual([
    "text",
    "label",
  ]);
  expect(await names("a.jsonl", '{"text": 1, "label": 2}\n')).toEqual([
    ...["text", "label"],
  ]);
  expect(await names("b.jsonl", "no")).toEqual([]);
  const written = parquetWriteBuffer({
    columnData: [
      { name: "age", data: [1, 2], type: "INT32" },
      { name: "Label", data: ["a", "b"], type: "STRING" },
    ],
  });
  const parquet = put(folder, "a.parquet", new Uint8Array(written));
  expect(await headerOf(parquet)).toEqual(["age", "Label"]);
  await expect(names("b.parquet", "PAR1")).rejects.toMatchObject({
    code: "DATA_FORMAT",
  });
  const feather = packagePath("test/fixtures/arrow/lz4.feather");
  expect(await headerOf(feather)).toContain("who");
});

test("where nobody can be asked, what is open is refused with its option", async () => {
  const options = [{ value: "a.onnx" }, { value: "b.onnx" }];
  const choose = (some: typeof options) =>
    nobody.choose("Which model?", some, "--model <file>");
  expect(await choose(options.slice(1))).toBe("b.onnx");
  await expect(choose(options)).rejects.toMatchObject({
    message: "Which model?: a.onnx, b.onnx",
    hint: "State it: --model <file>.",
  });
  await expect(choose([])).rejects.toThrow(/there is none/);
});

test("whatever files and columns are called, the suite says so", async () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("image" as const, "tabular" as const, "text" as const),
      fc.record({ model: name, data: name, label: name, text: name }),
      async (template, { model, data, label, text }) => {
        const shape = template === "image" ? [3, 32, 32] : [4];
        const file = put(
          folder,
          "named.yaml",
          suiteText(
            {
              ...{ template, data, label, text, tokenizer: "vocab.txt" },
              models: [`m/${model}.onnx`, `${model}.onnx`],
              seen: { contract: { shape, bounds: [0, 1] }, classes: ["a"] },
            },
            "Soon.",
          ),
        );
        const { suite } = await loadSuite(file);
        expect(suite.data).toMatchObject({
          path: data,
          ...(template === "image" ? {} : { label }),
          ...(template === "text" ? { text } : {}),
        });
        expect(Object.values(suite.candidates)).toMatchObject([
          { model: `m/${model}.onnx` },
          { model: `${model}.onnx` },
        ]);
      },
    ),
    { numRuns: 15 },
  );
});
