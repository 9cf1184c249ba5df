import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { fitToSuite, loadSuite, type Results, runAudit } from "#audit";
import { type Reactive, reactiveDefenses } from "#defenses";
import { onnxruntime } from "#engine";
import { loadModel } from "#model";
import { readModel, writeModel } from "#onnx";
import { renderHtml, renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import { checkReferences } from "../../../src/audit/plan/references.ts";
import { prepareData } from "../../../src/audit/tasks/prepare.ts";
import { temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();

const usual = {
  tasks: `
  parity: { relabel: { classes: { even: ["4"], odd: ["3", "5"] } }, task: { kind: binary } }
  size: { relabel: { values: { "3": 0.3, "4": 0.4, "5": 0.5 } }, task: { kind: regression, tolerance: 0.05 } }
  zeros: { data: { source: digits }, classes: ["0", "1"] }`,
  candidates: `
  alone: { strategy: full, epochs: 2, learningRate: 0.003 }
  multi: { strategy: full, epochs: 2, learningRate: 0.003, seeds: 2, tasks: [main, parity, size, zeros], taskWeights: { id: fixed, weights: { size: 2 } } }
  odd: { strategy: full, epochs: 2, learningRate: 0.003, tasks: [parity], training: [{ id: pgd-at, eps: 0.05, steps: 1 }, awp] }`,
};

let files = 0;
function written(stated: Partial<typeof usual> = {}): string {
  const { tasks, candidates } = { ...usual, ...stated };
  const file = join(folder, `suite${files++}.yaml`);
  writeFileSync(
    file,
    `version: 1
title: tasks
seed: 3
data: { source: digits }
classes: ["3", "4", "5"]
samples: 24
base: { classes: ["6", "7", "8"], pretrain: { architecture: small-cnn, epochs: 1 } }
tasks: ${tasks}
candidates: ${candidates}
threatModels: { small: { norm: linf, eps: 0.05 } }
attacks: { fgsm: fgsm, noise: noise }
gate: ${stated.candidates ? "[]" : "[{ cleanAccuracyDrop: { max: 1 } }, { cleanAccuracy: { min: 0, candidate: multi } }]"}
gallery: 1
`,
  );
  return file;
}

const out = join(folder, "run");
let results: Results;
beforeAll(async () => {
  results = await runAudit({ suite: written(), out });
});

const of = (id: string) => results.candidates.find((c) => c.id === id);

test("each task is audited as a candidate; all share one file and training", async () => {
  expect(() => resultsSchema.parse(results)).not.toThrow();
  const ids = ["main", "parity", "size", "zeros"].flatMap((task) =>
    [1, 2].map((seed) => `multi.${task}.${seed}`),
  );
  expect(results.candidates.map((c) => c.id)).toEqual([
    "alone",
    ...ids,
    "odd.parity",
  ]);
  const [main, parity] = [of("multi.main.1"), of("multi.parity.1")];
  expect(parity?.hash).toBe(main?.hash);
  expect(parity?.history).toEqual(main?.history);
  expect(of("multi.main.2")?.hash).not.toBe(main?.hash);
  expect(main?.history[0]?.records).toMatchObject({
    "size loss": expect.any(Number),
    "zeros validation accuracy": expect.any(Number),
  });
  expect(
    readdirSync(join(out, "models")).filter((f) => f.endsWith(".onnx")),
  ).toHaveLength(5);
  const file = join(out, main?.file ?? "");
  expect(readModel(file).outputs.map((o) => o.name)).toEqual([
    "main",
    "parity",
    "size",
    "zeros",
  ]);
  expect((await loadModel(file, { head: "zeros" })).classes).toEqual([
    "0",
    "1",
  ]);
});

test("tasks have their own samples, classes, chance and measures", () => {
  expect(of("multi.parity.1")?.member).toMatchObject({
    of: "multi",
    task: "parity",
    classes: ["even", "odd"],
    chance: 0.5,
    weighting: { id: "fixed", params: { weights: { size: 2 } } },
  });
  expect(of("multi.size.1")?.measures?.map((m) => m.name)).toContain(
    "mean absolute error",
  );
  expect(of("multi.zeros.1")?.cleanAccuracy.n).toBe(90);
  expect(of("multi.zeros.1")?.cleanAccuracy.value).toBeGreaterThan(0.9);
  expect(of("alone")?.member).toBeUndefined();
});

test("candidates are compared within a task only", () => {
  const against = (id: string) =>
    results.worstCases.find((w) => w.candidate === id)?.comparison?.against ??
    null;
  expect(against("multi.main.1")).toBe("alone");
  expect(against("multi.parity.1")).toBe(null);
  expect(against("odd.parity")).toBe("multi.parity.1");
  expect(results.gate.rules.map((r) => r.subject)).toEqual([
    "multi.main.1 against alone",
    "multi.main.2 against alone",
    // The name of the candidate means all of its tasks and seeds, then the
    // means over these.
    ...results.candidates
      .filter(({ member }) => member?.of === "multi")
      .map(({ id }) => `${id} / none`),
    ...["main", "parity", "size", "zeros"].map((t) => `multi.${t} / none`),
  ]);
});

test("tasks are attacked through the heads of the others of the same seed, where they share samples", () => {
  const pairs = new Set(
    results.crossTask?.map((r) => `${r.through} on ${r.candidate}`),
  );
  expect(pairs).toContain("multi.main.1 on multi.size.1");
  expect(pairs).toContain("multi.zeros.2 on multi.zeros.2");
  expect([...pairs].filter((p) => p.includes("zeros"))).toHaveLength(2);
  expect([...pairs].filter((p) => /\.1 on .*\.2/.test(p))).toEqual([]);
  expect([...pairs].filter((p) => /alone|odd/.test(p))).toEqual([]);
});

test("the reports name the tasks", async () => {
  expect(renderMarkdown(results)).toContain("multi.parity.1");
  const page = await renderHtml(results);
  expect(page).toContain("zeros validation accuracy");
  expect(page).toContain(
    "task zeros of main, parity, size, zeros + Fixed weights",
  );
  expect(page).toContain("size (size): a sample is wrong when");
});

test("relabelled samples stay in the part of the split that they are in", async () => {
  const loaded = await loadSuite(
    written({
      tasks: `
  some: { relabel: { classes: { five: ["5"], three: ["3"] } } }
  ink: { relabel: { above: 0.5 }, task: { kind: regression, tolerance: 0.1 } }`,
      candidates: "\n  alone: { strategy: full }",
    }),
  );
  const { target, attacked, tasks } = await prepareData(loaded);
  const some = tasks.get("some");
  const kept = Array.from(target.train.y.keys()).filter(
    (i) => target.train.y[i] !== 1,
  );
  expect(some?.rows?.train).toEqual(kept);
  expect([...(some?.target.train.y ?? [])]).toEqual(
    kept.map((i) => (target.train.y[i] === 2 ? 0 : 1)),
  );
  expect(some?.attacked.y.length).toBe(
    attacked.y.filter((k) => k !== 1).length,
  );
  const ink = tasks.get("ink")?.target.test;
  const first = target.test.x.data
    .subarray(0, 64)
    .filter((v) => v > 0.5).length;
  expect(ink?.targets?.data[0]).toBeCloseTo(first / 64, 6);
});

test.each([
  [
    { tasks: "\n  t: { relabel: { classes: { a: [three] } } }" },
    /"three", which is no class/,
  ],
  [
    { tasks: '\n  t: { relabel: { values: { "9": 1 } } }' },
    /"9", which is no class/,
  ],
])("%j is refused", async (stated, message) => {
  const loaded = await loadSuite(
    written({ ...stated, candidates: "\n  alone: { strategy: full }" }),
  );
  await expect(prepareData(loaded)).rejects.toThrow(message);
});

test.each([
  ["{ strategy: full, tasks: [main, pariti] }", /tasks names "pariti"/],
  ["{ strategy: full, tasks: [main, main] }", /"main" is listed twice/],
  [
    "{ strategy: full, tasks: [main], training: trades }",
    /trades cannot be combined with tasks; pgd-at, /,
  ],
])("the candidate %s is refused", async (candidate, message) => {
  const file = written({ candidates: `\n  wrong: ${candidate}` });
  await expect(
    loadSuite(file).then(({ suite }) => checkReferences(suite, file)),
  ).rejects.toThrow(message);
});

test("a defence is fitted to the samples of the task whose head it stands before", async () => {
  const pca = reactiveDefenses.find((d) => d.id === "pca") as Reactive;
  const chosen = { unit: pca, params: pca.params.parse({ components: 4 }) };
  const suite = written();
  const model = (head: string) =>
    loadModel(join(out, of("multi.main.1")?.file ?? ""), { head });
  const fitted = async (task: string) => {
    const [found] = await fitToSuite(
      [chosen],
      await model(task),
      await loadSuite(suite),
      onnxruntime,
      task,
    );
    return [...(found?.fitted ?? [])].map(([, t]) =>
      Array.from(t.data).slice(0, 9),
    );
  };
  expect(await fitted("parity")).toEqual(await fitted("main"));
  expect(await fitted("zeros")).not.toEqual(await fitted("main"));
  await expect(
    fitToSuite(
      [chosen],
      await model("main"),
      await loadSuite(suite),
      onnxruntime,
      "none",
    ),
  ).rejects.toThrow(/no task "none"/);
});

test("a file with several heads is given by their names, and judged by its tasks", async () => {
  const trained = of("multi.main.1");
  const file = join(out, trained?.file ?? "");
  // The same as another tool would have written it.
  const foreign = join(folder, "foreign.onnx");
  writeModel(foreign, { ...readModel(file), metadata: new Map() });
  const suite = written({
    // The file has two logits of parity, as binary models of others do not.
    tasks: usual.tasks.replace(", task: { kind: binary }", ""),
    candidates: `
  again: { model: ${file}, tasks: [main, parity, size] }
  foreign: { model: ${foreign}, tasks: [main, parity, size] }`,
  });
  const audited = await runAudit({ suite, out: join(folder, "given") });
  const accuracy = (r: Results, id: string) =>
    r.candidates.find((c) => c.id === id)?.cleanAccuracy;
  for (const task of ["main", "parity", "size"])
    for (const name of ["again", "foreign"])
      expect(accuracy(audited, `${name}.${task}`)).toEqual(
        accuracy(results, `multi.${task}.1`),
      );
  expect(audited.candidates[0]).toMatchObject({
    origin: "given",
    member: { weighting: null },
  });
  const wrong = written({
    candidates: `\n  x: { model: ${foreign}, tasks: [main, zeroes] }`,
    tasks: "\n  zeroes: { data: { source: digits } }",
  });
  await expect(
    runAudit({ suite: wrong, out: join(folder, "wrong") }),
  ).rejects.toThrow(/no head "zeroes"; it has main, parity, size, zeros/);
});
