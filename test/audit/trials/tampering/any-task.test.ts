import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type Results, runAudit } from "#audit";
import { Random } from "#core";
import { saveModel } from "#model";
import { GraphBuilder } from "#onnx";
import { resultsSchema } from "#results";
import { linearModel } from "../../../reference.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-any-task-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SAMPLES = 60;

/** How far shares may lie apart by the random starts of the attack alone. */
const DRAWS = 4 / SAMPLES;

/** What both trials can be told, at the budget of the cells. */
const trials = (eps: number) => `
samples: ${SAMPLES}
threatModels: { linf: { norm: linf, eps: ${eps} } }
trials:
  noise: { attack: { id: weight-noise, levels: [0, 2], examples: { norm: linf, eps: ${eps}, steps: 5 } } }
  undo:
    attack:
      id: further-tuning
      undo: { what: robustness, norm: linf, eps: ${eps}, steps: 5 }
      steps: [1, 60]
      learningRates: [0.003]
      samples: [60]
      seeds: 1
`;

async function run(text: string): Promise<Results> {
  const suite = join(folder, "suite.yaml");
  writeFileSync(suite, `version: 1\ntitle: any task\n${text}`);
  const results = await runAudit({
    suite,
    out: mkdtempSync(join(folder, "o")),
  });
  expect(() => resultsSchema.parse(results)).not.toThrow();
  return results;
}

/** A finding of a trial, as a share. */
function finding(
  { trials }: Results,
  trial: string,
  title: string,
  at: string | null = null,
): number {
  const found = trials
    .find((t) => t.id === trial)
    ?.findings.find((f) => f.title === title && f.at === at);
  return found?.value ?? Number.NaN;
}

/**
 * Noise of level 0 leaves a model as it was, so all that is said of it has to agree;
 * returns its accuracy and robustness.
 */
function agreed(results: Results, repaired: string) {
  const of = (title: string, at: string | null = null) =>
    finding(results, `${repaired}/noise`, title, at);
  const still = "0 relative noise";
  const right = of("Accuracy as released");
  const robust = of("Robust accuracy as released");
  expect(of("Same answers as the released model", still)).toBe(1);
  expect(of("Accuracy after tampering", still)).toBe(right);
  expect(of("Robust accuracy after tampering", still)).toBe(robust);
  expect(of("Accuracy on examples made on the released model", still)).toBe(
    robust,
  );
  const undo = `${repaired}/undo`;
  expect(finding(results, undo, "Accuracy as released")).toBe(right);
  const again = finding(results, undo, "Robust accuracy as released");
  expect(Math.abs(again - robust)).toBeLessThan(DRAWS);
  // Noise of twice the size of the weights changes answers.
  expect(
    of("Same answers as the released model", "2 relative noise"),
  ).toBeLessThan(1);
  return { right, robust };
}

/**
 * Share of the attacked samples that withstand an attack, and that are
 * right without it.
 */
function cell(results: Results, id: string) {
  const found = results.cells.find((c) => c.id === id);
  const { cleanAccuracy, robustAccuracy } = found as NonNullable<typeof found>;
  return { right: cleanAccuracy.value, robust: robustAccuracy.value };
}

test("rows that the constraints of a table forbid are no examples", async () => {
  const results = await run(`
data: { source: loans }
sourceData: { source: loans }
base: { pretrain: { architecture: mlp, epochs: 4 } }
candidates: { full: { strategy: full, epochs: 4 } }
attacks: { pgd: { id: pgd, steps: 5 }, capgd: { id: capgd, steps: 5 } }
${trials(0.1)}`);
  const { right, robust } = agreed(results, "full/none");
  const ours = (attack: string) => cell(results, `full/none/${attack}@linf`);
  expect(right).toBe(ours("pgd").right);
  // What does not look at the constraints breaks nothing, what does breaks
  // as the cells do.
  expect(ours("pgd").robust).toBe(right);
  expect(robust).toBeLessThan(right);
  expect(Math.abs(robust - ours("capgd").robust)).toBeLessThan(DRAWS);
});

/** Rows of six numbers. `wanted` makes columns of the outputs. */
function csv(
  names: readonly string[],
  wanted: (row: readonly number[]) => readonly number[],
): void {
  const random = new Random("rows");
  const lines = Array.from({ length: 400 }, () => {
    const row = Array.from({ length: 6 }, () => random.uniform());
    return [...row, ...wanted(row)].join(",");
  });
  const columns = ["a", "b", "c", "d", "e", "f", ...names];
  writeFileSync(
    join(folder, "rows.csv"),
    `${columns.join(",")}\n${lines.join("\n")}\n`,
  );
}

const rows = (names: string, task: string) => `
data: { source: csv, path: rows.csv, targets: [${names}] }
sourceData: { source: csv, path: rows.csv, targets: [${names}] }
task: ${task}
base: { pretrain: { architecture: mlp, epochs: 1 } }
candidates: { short: { strategy: full, epochs: 2 } }
repairs: { tuned: [{ id: fine-tuning, epochs: 40, learningRate: 0.005 }] }
attacks: { apgd: { id: apgd-ce, steps: 5, restarts: 1 } }
${trials(0.05)}`;

test.each([
  [
    "values",
    ["y", "z"],
    ([a = 0, b = 0, c = 0]: readonly number[]) => [a - b, (a + c) / 2],
    "{ kind: regression, tolerance: 0.15 }",
  ],
  [
    "labels",
    ["y", "z"],
    ([a = 0, b = 0, c = 0]: readonly number[]) => [
      Number(a > b),
      Number(a + c > 1),
    ],
    "{ kind: multi-label }",
  ],
])(
  "%s are what models are tampered with, repaired and trained on by",
  async (_, names, wanted, task) => {
    csv(names, wanted);
    const results = await run(rows(names.join(", "), task));
    const bare = agreed(results, "short/none");
    expect(bare.right).toBe(cell(results, "short/none/apgd@linf").right);
    expect(bare.robust).toBeLessThanOrEqual(bare.right);
    // Training on what the outputs should be helps a model that was trained for long
    // enough too little.
    const tuned = agreed(results, "short/tuned");
    expect(tuned.right).toBeGreaterThan(bare.right + 0.1);
    const [undone] = results.trials
      .filter((t) => t.id === "short/tuned/undo")
      .flatMap((t) => t.charts);
    expect(undone?.lines[0]?.points.length).toBe(2);
  },
);

test("tasks of one trunk are tampered with as candidates of one task are", async () => {
  const results = await run(`
data: { source: digits }
classes: ["3", "4", "5"]
base: { classes: ["6", "7", "8"], pretrain: { architecture: small-cnn, epochs: 1 } }
tasks:
  size: { relabel: { values: { "3": 0.3, "4": 0.4, "5": 0.5 } }, task: { kind: regression, tolerance: 0.1 } }
candidates:
  both: { strategy: full, epochs: 2, learningRate: 0.003, tasks: [main, size] }
repairs: { pruned: [{ id: fine-pruning, epochs: 1 }] }
attacks: { apgd: { id: apgd-ce, steps: 5, restarts: 1 } }
${trials(0.05)}`);
  for (const id of ["both.main", "both.size"]) {
    const { right } = agreed(results, `${id}/none`);
    expect(right).toBe(cell(results, `${id}/none/apgd@linf`).right);
    // The repair may cost a tenth of the accuracy on the validation split
    // before it trains.
    expect(agreed(results, `${id}/pruned`).right).toBeGreaterThan(right - 0.3);
  }
});

/**
 * The sum of the first three numbers against that of the others, or whether it is the
 * larger, which has no gradient.
 */
function fileOf(name: string, steps: boolean): void {
  const linear = linearModel(
    [
      [0, 0, 0, 9, 9, 9],
      [9, 9, 9, 0, 0, 0],
    ],
    [0, 0],
  );
  const b = new GraphBuilder(linear.graph);
  const logits = steps
    ? b.cast(b.greater(linear.logits, 13), "float32")
    : linear.logits;
  const graph = b.build([logits]);
  const classes = ["0", "1"];
  saveModel(join(folder, name), { ...linear, graph, logits, classes });
}

test("a file cannot be tuned without a class, and says so; one without a gradient is refused before all work", async () => {
  csv(["class"], ([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]) => [
    Number(a + b + c > d + e + f),
  ]);
  fileOf("smooth.onnx", false);
  fileOf("steps.onnx", true);
  const suite = (model: string, trial: string) => `
data: { source: csv, path: rows.csv, label: class }
candidates: { given: { model: ${model}.onnx } }
repairs: { forget: [{ id: unlearn, class: "1", epochs: 20, learningRate: 0.1 }] }
trials:
  tried: { attack: ${trial}, repairs: [forget] }`;
  const back = `{ id: further-tuning, undo: { what: class, class: "1" }, steps: [1, 60], learningRates: [0.1], samples: [100], seeds: 1 }`;
  const results = await run(suite("smooth", back));
  const [trial] = results.trials;
  expect(trial?.findings.map((f) => f.title).join()).not.toContain("never");
  expect(trial?.findings[0]?.value).toBeGreaterThan(0);
  expect(trial?.notes.join()).toContain("cannot be tuned again");
  await expect(run(suite("steps", "weight-noise"))).rejects.toThrow(
    /trials.tried: weight-noise follows gradients: /,
  );
});
