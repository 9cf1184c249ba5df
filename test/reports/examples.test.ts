import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeNpy } from "#data";
import { type Examples, fatesOf, type Kept, type Results } from "#results";
import { fileName } from "../../reports/file-name.ts";
import { examples } from "../../reports/reporters/examples.ts";
import { names, resultsNamed } from "./names.ts";
import { filesOf, nothing } from "./nothing.ts";
import { exampleResults } from "./results.ts";

const results = exampleResults(({ cells }) => ({ cells: cells.slice(0, 3) }));
const n = results.cells[0]!.outcomes.length;
const [channels, height, width] = [3, 2, 4];
const dims = [n, channels, height, width];
const count = channels * height * width;
const clean = { dims, data: new Float32Array(n * count).fill(0.5) };
const attacked = {
  dims,
  data: Float32Array.from(
    clean.data,
    (v, i) => v + (i % count === 3 ? 0.25 : 0),
  ),
};
const labels = Array.from({ length: n }, (_, i) => `class ${i % 5}`);
const images: Examples = { clean, attacked, labels, columns: null };
const keeping = (made: Examples, without = ""): Kept => ({
  ...nothing,
  examplesOf: async (cell) => (cell === without ? undefined : made),
});

async function read(found: Results, kept: Kept) {
  const files = await filesOf(examples, found, kept);
  const text = (name: string) => files.get(name) as string;
  const lines = text("index.jsonl")
    .split(/[\n\u0085\u2028\u2029]/)
    .slice(0, -1);
  return {
    files,
    index: lines.map((line) => JSON.parse(line)),
    about: JSON.parse(text("about.json")),
  };
}

test("a line for each sample, an array for each cell, a picture of what was broken", async () => {
  const { files, index, about } = await read(results, keeping(images));
  expect(index).toHaveLength(3 * n);
  const [first] = results.cells;
  expect(index.slice(0, n).map(({ outcome }) => outcome)).toEqual(
    fatesOf(first!.outcomes),
  );
  const broken = index.find(({ outcome }) => outcome === "broken");
  expect(broken).toMatchObject({
    cell: first!.id,
    trusted: first!.trusted,
    label: labels[broken.sample],
    changed: { linf: 0.25, l2: 0.25, l0: 1 },
  });
  const read32 = (name: string) =>
    decodeNpy(files.get(name) as Uint8Array, name);
  expect(read32(broken.file)).toEqual({ type: "float32", ...attacked });
  expect(read32(broken.cleanFile)).toEqual({ type: "float32", ...clean });
  expect(
    [...files.keys()].filter((name) => name.startsWith("clean")),
  ).toHaveLength(1);
  const { data, info } = await sharp(files.get(broken.picture) as Uint8Array)
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.height, info.width, info.channels]).toEqual([
    height,
    width,
    channels,
  ]);
  // The fourth number of a sample is the last of the first row of its first channel.
  expect(data[3 * channels]).toBe(Math.round(255 * 0.75));
  expect(data[3 * channels + 1]).toBe(128);
  const pictures = [...files.keys()].filter((name) => name.endsWith(".png"));
  expect(pictures).toHaveLength(
    index.filter(({ outcome }) => outcome === "broken").length,
  );
  expect(about).toMatchObject({ verdict: "failed", withoutExamples: 0 });
  expect(about.cells[0].robustAccuracy).toEqual(first!.robustAccuracy);
});

test("texts and rows of tables stand in the index", async () => {
  const texts = labels.map((label) => `a text\u2028of ${label}`);
  const { index } = await read(
    results,
    keeping({
      clean: texts,
      attacked: texts.map((t) => `${t}!`),
      labels,
      columns: null,
    }),
  );
  expect(index[1]).toMatchObject({ clean: texts[1], attacked: `${texts[1]}!` });
  const rows = {
    dims: [n, 2],
    data: Float32Array.from({ length: 2 * n }, (_, i) => i),
  };
  const moved = { ...rows, data: rows.data.map((v) => v + 1) };
  const table = await read(
    results,
    keeping({
      clean: rows,
      attacked: moved,
      labels,
      columns: ["age", "__proto__"],
    }),
  );
  expect(table.index[1].clean).toEqual([
    ["age", 2],
    ["__proto__", 3],
  ]);
  expect(table.index[1].attacked).toEqual([
    ["age", 3],
    ["__proto__", 4],
  ]);
});

test("what the folder does not have is counted, and nothing at all is refused", async () => {
  const { about, index } = await read(
    results,
    keeping(images, results.cells[0]!.id),
  );
  expect(about.withoutExamples).toBe(1);
  expect(index).toHaveLength(2 * n);
  await expect(filesOf(examples, results)).rejects.toThrow(/no examples/);
});

test("names from outside leave no folder, and stay in the index", async () => {
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      const named = resultsNamed(name);
      const cells = named.cells.filter((c) => c.candidate === name).slice(0, 1);
      const { files, index } = await read({ ...named, cells }, keeping(images));
      expect(index[0].candidate).toBe(name);
      for (const file of files.keys())
        expect(file).toMatch(/^([a-z0-9][a-z0-9._-]*\/)*[a-z0-9][a-z0-9._-]*$/);
      expect(index[0].file).toBe(
        `cells/${fileName(cells[0]!.id)}/attacked.npy`,
      );
    }),
    { numRuns: 15 },
  );
});
