import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Results, runAudit } from "#audit";
import { encodeNpy, Random } from "#core";

import { emptyGraph, floats, GraphBuilder, int, writeModel } from "#onnx";
import { renderHtml, renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import { put, temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();

const COUNT = 240;

/**
 * Four numbers: class 2a + b, where a says which of the first two is larger, and b
 * which of the others.
 */
function writeData(): void {
  const random = new Random(1);
  const x = Float32Array.from(
    { length: 4 * COUNT },
    () => 0.2 + 0.6 * random.uniform(),
  );
  const larger = (i: number) => Number(x[i]! > x[i + 1]!);
  const y = Float32Array.from(
    { length: COUNT },
    (_, i) => 2 * larger(4 * i) + larger(4 * i + 2),
  );
  writeFileSync(join(folder, "x.npy"), encodeNpy(floats([COUNT, 1, 2, 2], x)));
  writeFileSync(join(folder, "y.npy"), encodeNpy(floats([COUNT], y)));
}

/**
 * One linear head a task; "blunt" is "left" without a gradient, "some" is "left" for
 * half of the classes.
 */
function writeHeads(): void {
  const b = new GraphBuilder(emptyGraph("heads"));
  b.input({ name: "input", type: "float32", dims: ["batch", 1, 2, 2] });
  const flat = b.op("Flatten", ["input"], { axis: int(1) });
  const left = [-5, 5, 0, 0, 5, -5, 0, 0];
  const heads = {
    left,
    copy: left,
    right: [0, 0, -5, 5, 0, 0, 5, -5],
    blunt: left,
    some: left,
  };
  const outputs = Object.entries(heads).map(([name, weights]) => {
    const w = b.constant(floats([2, 4], weights), `${name}.weight`);
    if (name !== "blunt")
      return b.op("Gemm", [flat, w], { transB: int(1) }, name);
    const sharp = b.op("Gemm", [flat, w], { transB: int(1) });
    return b.op("Round", [b.mul(sharp, 100)], {}, name);
  });
  writeModel(join(folder, "heads.onnx"), b.build(outputs));
}

const suite = `version: 1
title: heads
seed: 3
data: { source: npy, x: x.npy, y: y.npy }
samples: 40
tasks:
  left: { relabel: { classes: { no: ["0", "1"], yes: ["2", "3"] } } }
  copy: { relabel: { classes: { no: ["0", "1"], yes: ["2", "3"] } } }
  blunt: { relabel: { classes: { no: ["0", "1"], yes: ["2", "3"] } } }
  right: { relabel: { classes: { no: ["0", "2"], yes: ["1", "3"] } } }
  some: { relabel: { classes: { no: ["0"], yes: ["2"] } } }
candidates:
  heads: { model: heads.onnx, tasks: [left, copy, blunt, right, some] }
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks:
  fgsm: fgsm
  pgd: { id: pgd, steps: 10, relStepSize: 0.25 }
  short: { id: pgd, steps: 2, relStepSize: 0.05 }
  noise: noise
allHeads: [fgsm, pgd, short]
gate:
  - robustAccuracy: { min: 0.95, candidate: heads.blunt }
gallery: 0
`;

let results: Results;
beforeAll(async () => {
  writeData();
  writeHeads();
  writeFileSync(join(folder, "suite.yaml"), suite);
  results = await runAudit({
    suite: join(folder, "suite.yaml"),
    out: join(folder, "out"),
  });
});

const row = (through: string, on: string, attack: string) =>
  results.crossTask?.find(
    (r) =>
      r.through === (through ? `heads.${through}` : "heads") &&
      r.candidate === `heads.${on}` &&
      r.attack === attack,
  );
const cell = (task: string, attack: string) =>
  results.cells.find((c) => c.id === `heads.${task}/none/${attack}@small`);
const broken = (outcomes = "") => outcomes.split("0").length - 1;

test("of heads that are copies of each other, what is beside the diagonal equals it", () => {
  expect(() => resultsSchema.parse(results)).not.toThrow();
  for (const attack of ["fgsm", "pgd"]) {
    const own = cell("copy", attack);
    expect(row("left", "copy", attack)).toMatchObject({
      of: "heads",
      replica: null,
      outcomes: own?.outcomes,
      robustAccuracy: own?.robustAccuracy,
      cleanAccuracy: own?.cleanAccuracy,
    });
    expect(row("copy", "copy", attack)?.outcomes).toBe(own?.outcomes);
  }
  const drop = row("left", "copy", "pgd")?.drop;
  expect(drop?.value).toBeGreaterThan(0.2);
  expect(drop?.low).toBeGreaterThan(0.05);
});

test("of heads on other features, an attack through one leaves the other where noise leaves it", () => {
  const own = broken(cell("right", "pgd")?.outcomes);
  expect(broken(row("left", "right", "fgsm")?.outcomes)).toBe(0);
  // The random start is the only noise that it puts there.
  expect(broken(row("left", "right", "pgd")?.outcomes)).toBeLessThanOrEqual(
    broken(cell("right", "noise")?.outcomes) + 2,
  );
  expect(own).toBeGreaterThan(8);
  expect(row("left", "right", "noise")).toBeUndefined();
});

test("the worst task decides: a head without a gradient falls through its neighbour, and the gate sees it", () => {
  const blind = cell("blunt", "pgd");
  const through = row("left", "blunt", "pgd");
  expect(broken(blind?.outcomes)).toBe(0);
  expect(broken(through?.outcomes)).toBeGreaterThan(8);
  const worst = results.worstCases.find((w) => w.candidate === "heads.blunt");
  expect(worst?.through).toEqual([
    "heads.left",
    "heads.copy",
    "heads.right",
    "heads.some",
    "heads",
  ]);
  expect(worst?.robustAccuracy.value).toBeLessThanOrEqual(
    through?.robustAccuracy.value as number,
  );
  expect(results.gate.verdict).toBe("failed");
});

test("on all heads at once, heads on other features fall as deep as by themselves, and one without a gradient with its neighbour", () => {
  const shared = cell("some", "pgd")?.outcomes.length;
  for (const task of ["left", "copy", "right", "blunt", "some"]) {
    const found = results.crossTask?.find(
      (r) =>
        r.through === "heads" &&
        r.candidate === `heads.${task}` &&
        r.attack === "pgd",
    );
    expect(found).toMatchObject({ of: "heads", trusted: task !== "blunt" });
    expect(found?.cleanAccuracy.n).toBe(shared);
    // Of linear heads one step of full length is the best that there is.
    const best = cell(task === "blunt" ? "left" : task, "fgsm")?.outcomes ?? "";
    for (const [i, outcome] of [...(found?.outcomes ?? "")].entries())
      if (outcome !== ".") expect(outcome).toBe(best[i]);
  }
});

test("an attack on all heads is judged by the checks of cells, and one that is too short is not trusted", () => {
  const status = (attack: string, on = "left") =>
    Object.fromEntries(
      row("", on, attack)?.checks?.map((c) => [c.id, c.status]) ?? [],
    );
  expect(status("pgd")).toMatchObject({
    "budget-kept": "passed",
    "gradients-available": "passed",
    "gradient-agrees": "passed",
    "converged-in-steps": "passed",
    "iterative-beats-single-step": "passed",
    "reaches-chance": "passed",
    "noise-finds-nothing": "passed",
  });
  expect(status("short")).toMatchObject({
    "iterative-beats-single-step": "failed",
  });
  expect(status("pgd", "blunt")).toMatchObject({
    "gradients-available": "failed",
  });
  // A trusted search through the head itself broke as much.
  const worst = (task: string) =>
    results.worstCases.find((w) => w.candidate === `heads.${task}`);
  expect(row("", "left", "short")?.trusted).toBe(false);
  expect(worst("left")?.trusted).toBe(true);
  expect(worst("blunt")?.trusted).toBe(false);
});

test.each([
  [suite.replace("[fgsm, pgd, short]", "[pdg]"), /allHeads names "pdg"/],
  [suite.replace("[fgsm, pgd, short]", "[noise]"), /does not raise a loss/],
  [
    suite
      .replace(/tasks:\n( {2}.*\n)+/, "")
      .replace(", tasks: [left, copy, blunt, right, some]", "")
      .replace("candidate: heads.blunt", "candidate: heads"),
    /candidates of several tasks/,
  ],
])("attacks on all heads that cannot be are refused", async (text, message) => {
  const file = put(folder, "refused.yaml", text);
  await expect(
    runAudit({ suite: file, out: join(folder, "refused") }),
  ).rejects.toThrow(message);
});

test("only samples that both tasks have are compared", () => {
  const some = row("some", "left", "fgsm");
  const whole = cell("left", "fgsm")?.outcomes ?? "";
  expect(some?.outcomes).toMatch(/\./);
  expect(some?.cleanAccuracy.n).toBe(cell("some", "fgsm")?.outcomes.length);
  for (const [i, outcome] of [...(some?.outcomes ?? "")].entries())
    if (outcome !== ".") expect(outcome).toBe(whole[i]);
});

test("the reports have the matrix", async () => {
  const page = await renderHtml(results);
  expect(page).toContain("Attacked through another task");
  // The script has such words.
  const [read] = page.split("<script>");
  expect(read).not.toMatch(/undefined|NaN|\[object/);
  expect(renderMarkdown(results)).toContain("heads.blunt through heads.left");
});
