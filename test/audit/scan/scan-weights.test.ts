import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { loadSuite, type Scan, scanModel, writeScan } from "#audit";
import { Random, UsageError } from "#core";
import { type Dataset, dataset } from "#data";
import { onnxruntime } from "#engine";
import { type Model, saveModel } from "#model";
import { copyOf, floats } from "#onnx";
import { trainOn } from "../../../defenses/repair/train.ts";
import {
  largestMargins,
  marginCheck,
} from "../../../src/audit/scan/margins.ts";
import { cleanFor, scanWeights } from "../../../src/audit/scan/scan.ts";
import { linearModel, smallDigits, untrained } from "../../reference.ts";

const quick = { starts: 4, steps: 30, triggerSteps: 200 };

let parts: Awaited<ReturnType<typeof smallDigits>>;
beforeAll(async () => {
  parts = await smallDigits();
});

/**
 * Trained on some rows with a white 2x2 patch that are labelled as class 0, or on none.
 */
function victim(seed: number, planted: number): Promise<Model> {
  const { train } = parts;
  const rows = new Random("rows").permutation(train.y.length).slice(0, planted);
  const x = copyOf(train.x);
  for (const row of rows)
    for (const pixel of [54, 55, 62, 63]) x.data[row * 64 + pixel] = 1;
  const y = train.y.map((label, i) => (rows.includes(i) ? 0 : label));
  const data: Dataset = dataset(train.name, x, y, train.classes);
  return trainOn(
    { ...untrained(train.classes, seed) },
    data,
    { epochs: 15, learningRate: 3e-3, batchSize: 32 },
    onnxruntime,
    new Random("victim"),
  );
}

test("the largest margin of a linear model is at least that of every corner", async () => {
  const weights = [
    [1, -2, 0.5],
    [-1, 1, 0],
    [0, 0, 3],
    [2, 0, -1],
  ];
  const seen = await largestMargins(
    linearModel(weights, [0, 0.1, 0, 0]),
    { starts: 4, steps: 60 },
    onnxruntime,
    new Random(1),
  );
  const corners = Array.from({ length: 8 }, (_, k) => [
    k & 1,
    (k >> 1) & 1,
    k >> 2,
  ]);
  const z = (row: number[], x: number[], bias: number) =>
    row.reduce((sum, w, i) => sum + w * x[i]!, bias);
  for (const [c, row] of weights.entries()) {
    const wanted = Math.max(
      ...corners.map(
        (x) =>
          z(row, x, c === 1 ? 0.1 : 0) -
          Math.max(
            ...weights.flatMap((other, k) =>
              k === c ? [] : [z(other, x, k === 1 ? 0.1 : 0)],
            ),
          ),
      ),
    );
    // The margin is concave, so its maximum may be between them.
    expect(seen[c]).toBeGreaterThan(wanted - 0.05);
  }
});

test("a margin far above the others is unlikely, one among them is not", () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const far = marginCheck([5, 6, 5.5, 40, 6.2, 5.8], names);
  expect(far.check.status).toBe("warned");
  expect(far.check.message).toMatch(/class "d" is 40.0, .* at most 6.20/);
  const near = marginCheck([5, 6, 5.5, 6.4, 6.2, 5.8], names);
  expect(near.check.status).toBe("passed");
  expect(near.pValue).toBeGreaterThan(far.pValue);
});

test("a planted trigger is found by its size and by its margin", async () => {
  const { checks, triggers } = await scanWeights(
    await victim(3, 20),
    parts.validation,
    onnxruntime,
    quick,
  );
  expect(checks).toMatchObject([
    { id: "margins", status: "warned" },
    { id: "triggers", status: "failed" },
  ]);
  expect(checks[0]?.message).toContain('class "0"');
  expect(triggers?.filter((t) => t.flagged).map((t) => t.label)).toEqual([0]);
});

test("the same model without it has no trigger of unusual size", async () => {
  // A chosen seed: how often clean models raise an alarm is in docs/results.md.
  const found = await scanWeights(
    await victim(3, 0),
    parts.validation,
    onnxruntime,
    quick,
  );
  expect(found.checks.map((c) => c.status)).toEqual(["passed", "passed"]);
  expect(found.notes).toEqual([
    expect.stringMatching(/^\d+ of \d+ channels under the head/),
  ]);
});

test("without data only margins are looked at, and of three classes not even these", async () => {
  const few = linearModel([[1], [0], [-1]], [0, 0, 0]);
  const seen = await scanWeights(few, undefined, onnxruntime, quick);
  expect(seen.checks).toEqual([]);
  expect(seen.notes[0]).toMatch(/takes four classes/);
});

test("a scan with a suite looks at its data, and is written with a picture of each trigger", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-scan-"));
  const model = join(folder, "model.onnx");
  const suite = join(folder, "suite.yaml");
  saveModel(model, linearOfDigits());
  writeFileSync(
    suite,
    `version: 1
title: scan
data: { source: digits }
classes: ["3", "2", "1", "0"]
base: { model: other.onnx, classes: ["6", "7", "8", "9"] }
candidates: { given: { model: model.onnx } }
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks: { noise: noise }
`,
  );
  const found = await scanModel(
    model,
    onnxruntime,
    await loadSuite(suite),
    quick,
  );
  writeScan(join(folder, "out"), found);
  const scan = JSON.parse(
    readFileSync(join(folder, "out", "scan.json"), "utf8"),
  ) as Scan;
  expect(scan).toEqual(JSON.parse(JSON.stringify(found.scan)));
  expect(scan.margins?.map((m) => m.class)).toEqual(["0", "1", "2", "3"]);
  expect(scan.triggers).toHaveLength(4);
  expect(readdirSync(join(folder, "out")).sort()).toEqual([
    "scan.json",
    ...[0, 1, 2, 3].map((k) => `trigger-${k}.png`),
  ]);
});

test("clean data are matched with the model's classes by name, and refused where the names contradict", async () => {
  const model = linearOfDigits();
  const ofClasses = (...classes: string[]) => {
    const n = classes.length;
    const labels = Int32Array.from({ length: n }, (_, i) => i);
    const x = floats([n, 1, 8, 8], new Float32Array(64 * n));
    const data = dataset("some", x, labels, classes);
    return { train: data, validation: data, test: data };
  };
  const clean = (
    names: string[] | undefined,
    target: string[],
    pretraining: string[] | null = null,
  ) => {
    const { classes, y } = cleanFor(model, names, {
      target: ofClasses(...target),
      pretraining: pretraining && ofClasses(...pretraining),
    });
    return { classes, y: [...y] };
  };
  const own = ["0", "1", "2", "3"];
  const words = ["ant", "bee", "cat", "dog"];
  // Another order, more classes, and not the first data of as many.
  expect(clean(own, ["3", "1", "2", "0"])).toEqual({
    classes: own,
    y: [3, 1, 2, 0],
  });
  expect(clean(own, ["9", ...own])).toEqual({ classes: own, y: [0, 1, 2, 3] });
  expect(clean(own, own, words).classes).toEqual(own);
  // What has no names is matched by their number.
  expect(clean(undefined, words).classes).toEqual(words);
  expect(clean(words, own).classes).toEqual(own);
  const others = () => clean(["4", "5", "6", "7"], own);
  expect(others).toThrow(UsageError);
  expect(others).toThrow(
    /classes 4, 5, 6, 7, the data of the suite 0, 1, 2, 3/,
  );
  expect(() => clean(words, ["ant", "bee", "cat", "elk"])).toThrow(UsageError);
});

/** Each class by the pixels of its own rows. */
const linearOfDigits = () => {
  const rows = [0, 1, 2, 3].map((c) =>
    Array.from({ length: 64 }, (_, i) => Number(Math.floor(i / 16) === c)),
  );
  const model = linearModel(rows, [0, 0, 0, 0], [1, 8, 8]);
  return { ...model, classes: ["0", "1", "2", "3"] };
};
