import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { type Dataset, loadDataset } from "#data";
import { saveModel } from "#model";
import { GraphBuilder } from "#onnx";
import { resultsSchema } from "#results";
import { renderMarkdown } from "../../../reports/markdown/render.ts";
import { idxFile } from "../../data/tiny.ts";
import { put, temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";

const folder = temporaryFolder();

const COUNT = 240;

/** Writes the first digits, each with a row of targets. */
async function write(targets: (digit: number) => number[]): Promise<void> {
  const digits: Dataset = await loadDataset({ source: "digits" }, ".");
  const [, , height = 0, width = 0] = digits.x.dims;
  const pixels = digits.x.data.slice(0, COUNT * height * width);
  const rows = Array.from(digits.y.slice(0, COUNT), targets);
  writeFileSync(
    join(folder, "images"),
    idxFile(
      [COUNT, height, width],
      pixels.map((v) => Math.round(255 * v)),
    ),
  );
  writeFileSync(
    join(folder, "labels"),
    idxFile([COUNT, rows[0]?.length ?? 0], rows.flat()),
  );
}

const suite = (task: string, names: string) => `
version: 1
title: tasks
data: { source: idx, images: images, labels: labels, classes: [${names}] }
task: ${task}
samples: 16
base:
  classes: [${names}]
  pretrain: { architecture: small-cnn, epochs: 6, learningRate: 0.005 }
candidates:
  full: { strategy: full, epochs: 4, learningRate: 0.005 }
  trained: { strategy: full, epochs: 1, training: { id: pgd-at, eps: 0.05, steps: 3 } }
threatModels:
  small: { norm: linf, eps: 0.15 }
attacks:
  noise: noise
  pgd: { id: pgd, steps: 10, relStepSize: 0.25 }
  square: { id: square, queries: 60 }
  public: { id: base-pgd, steps: 5, relStepSize: 0.25 }
`;

async function run(text: string) {
  const path = put(folder, "suite.yaml", text);
  const out = mkdtempSync(join(folder, "out-"));
  const results = await runAudit({ suite: path, out });
  expect(() => resultsSchema.parse(results)).not.toThrow();
  return results;
}

test("labels: trained, attacked and reported as such", async () => {
  await write((digit) => [Number(digit % 2 === 0), Number(digit >= 5)]);
  const results = await run(suite("{ kind: multi-label }", "even, large"));
  expect(results.task?.broken).toBe("any label is wrong");
  expect(results.task?.chance).toBeLessThan(0.5);
  const [full] = results.candidates;
  // Both labels are right far more often than for the commonest pair of labels.
  expect(full?.cleanAccuracy.value).toBeGreaterThan(0.6);
  const [hamming] = full?.measures ?? [];
  expect(hamming?.name).toBe("Hamming accuracy");
  expect(hamming?.value).toBeGreaterThan(full?.cleanAccuracy.value as number);
  const cell = (id: string) => results.cells.find((c) => c.id === id);
  const pgd = cell("full/none/pgd@small");
  expect(pgd?.robustAccuracy.value).toBeLessThan(
    cell("full/none/noise@small")?.robustAccuracy.value as number,
  );
  const [moved] = pgd?.measures ?? [];
  expect(moved?.value).toBeLessThan(moved?.clean as number);
  const [example] = results.gallery;
  expect(["even", "large", "even, large", "none"]).toContain(example?.label);
  expect(example?.prediction).not.toBe(example?.label);
  expect(renderMarkdown(results)).toContain(
    "A sample is wrong when any label is wrong.",
  );
});

test("values: trained, attacked and reported as such", async () => {
  await write((digit) => [Number(digit < 5), digit % 5]);
  const results = await run(
    suite("{ kind: regression, tolerance: 0.9 }", "half, rest"),
  );
  expect(results.task?.broken).toBe("an output is off by more than 0.9");
  const [full] = results.candidates;
  expect(full?.measures?.map((m) => m.name)).toEqual([
    "mean absolute error",
    "root mean squared error",
  ]);
  expect(full?.history.at(-1)?.trainLoss).toBeLessThan(
    full?.history[0]?.trainLoss as number,
  );
  const pgd = results.cells.find((c) => c.id === "full/none/pgd@small");
  const [error] = pgd?.measures ?? [];
  expect(error?.value).toBeGreaterThan(error?.clean as number);
  for (const example of results.gallery) {
    expect(example.confidence).toBeNull();
    expect(example.label).toMatch(/^[01], [0-4]$/);
  }
});

test("data of another kind than the model is refused", async () => {
  await write((digit) => [digit % 3]);
  const text = suite("{ kind: multi-label }", "third");
  await expect(run(text)).rejects.toMatchObject({ code: "DATA_TARGETS" });
  const classes = text.replace("task: { kind: multi-label }\n", "");
  await expect(run(classes)).rejects.toMatchObject({
    message: expect.stringMatching(/is a classifier/),
  });
});

test("a model that is never right is reported, with nothing to attack", async () => {
  const model = await reference();
  // The least likely class comes out first.
  const b = new GraphBuilder(model.graph);
  const logits = b.neg(model.logits);
  const graph = b.build([logits]);
  saveModel(join(folder, "wrong.onnx"), { ...model, graph, logits });
  const results = await run(`
version: 1
title: never right
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 10
candidates:
  wrong: { model: wrong.onnx }
threatModels:
  small: { norm: linf, eps: 0.1 }
attacks:
  pgd: { id: pgd, steps: 3 }
  noise: noise
`);
  expect(results.cells).toHaveLength(2);
  for (const cell of results.cells) {
    expect(cell.outcomes).toBe("-".repeat(10));
    expect(cell.attackSuccess).toBeNull();
    expect(cell.robustAccuracy.value).toBe(0);
    expect(cell.queries.forward + cell.queries.gradient).toBe(0);
  }
});
