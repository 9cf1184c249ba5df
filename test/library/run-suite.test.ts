import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import {
  planSuite,
  readResults,
  runSuite,
  type SuiteInput,
} from "../../src/index.ts";
import { put, temporaryFolder, workIn } from "../folder.ts";
import { writeDigits } from "./digits.ts";

const folder = temporaryFolder();
workIn(folder);

beforeAll(() => writeDigits(folder));

const suite = (): SuiteInput => parse(readFileSync("suite.yaml", "utf8"));

test("a suite object is run as its file is, and its results are written", async () => {
  const byFile = await runSuite("suite.yaml", { out: "by-file" });
  const byObject = await runSuite(suite(), { out: "by-object" });
  const timeless = ({ cells }: typeof byFile) =>
    cells.map(({ seconds: _, reproduce: __, ...cell }) => cell);
  expect(timeless(byObject)).toEqual(timeless(byFile));
  expect(readResults("by-object")).toEqual(byObject);
  expect(byObject.provenance.suite.file).toBe("suite-object");
  for (const file of ["summary.md", "report.html"])
    expect(existsSync(join("by-object", file))).toBe(true);
});

test("a plan names what would be run, and only what is chosen", async () => {
  const whole = await planSuite(suite());
  expect(whole.cells.map(({ id }) => id)).toEqual([
    "given/none/pgd@linf-0.1",
    "given/none/noise@linf-0.1",
  ]);
  expect(whole.complete).toBe(true);
  const part = await planSuite("suite.yaml", { only: ["*/pgd@*"] });
  expect(part.cells.length).toBe(1);
  expect(part.complete).toBe(false);
  // Nothing but plain values.
  expect(structuredClone(part)).toEqual(part);
});

test("what is wrong with a suite object is told by its key", async () => {
  const odd = { ...suite(), attacks: { mine: "pdg" } };
  await expect(planSuite(odd)).rejects.toMatchObject({
    code: "SUITE_INVALID",
    message: expect.stringMatching(/attacks\.mine.*did you mean "pgd"/),
  });
  const missing = { ...suite(), candidates: { given: { model: "none.onnx" } } };
  await expect(runSuite(missing, { out: "odd" })).rejects.toMatchObject({
    code: "FILE_UNREADABLE",
  });
});

test("a function cannot reach other processes, which is said", async () => {
  const timed: SuiteInput = {
    ...suite(),
    base: { model: "digits.onnx" },
    candidates: { mine: { strategy: "full", schedule: () => 1 } },
  };
  await expect(
    runSuite(timed, { out: "timed", workers: 2 }),
  ).rejects.toMatchObject({ code: "SUITE_WORKERS" });
});

test.each([
  ["a module", "suite.mjs", "export const suite = {}"],
  ["a suite that uses one", "using.yaml", "use: [./ran.mjs]"],
])("use: false runs no code of %s", async (_, file, text) => {
  const mark =
    'import { writeFileSync } from "node:fs"; writeFileSync("ran", "");';
  put(folder, file, file.endsWith(".mjs") ? `${mark}\n${text}` : text);
  put(folder, "ran.mjs", mark);
  const refused = { code: "SUITE_CODE" };
  const options = { out: "refused", use: false };
  await expect(planSuite(file, { use: false })).rejects.toMatchObject(refused);
  await expect(runSuite(file, options)).rejects.toMatchObject(refused);
  const object = { ...suite(), use: ["./ran.mjs"] };
  await expect(runSuite(object, options)).rejects.toMatchObject(refused);
  expect(existsSync("ran")).toBe(false);
});

test("a smoke run has few samples and no verdict, and its plan is the same", async () => {
  const results = await runSuite("suite.yaml", { out: "smoke", samples: 3 });
  expect(results.cells.map(({ robustAccuracy }) => robustAccuracy.n)).toEqual([
    3, 3,
  ]);
  expect(results.gate.verdict).toBe("none");
  const quick = await runSuite(suite(), { out: "quick", quick: true });
  const { cells } = await planSuite(suite(), { quick: true });
  expect(quick.cells.map(({ id }) => id)).toEqual(cells.map(({ id }) => id));
  await expect(
    runSuite("suite.yaml", { out: "odd", samples: 0.5 }),
  ).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
});

test("a run ends as soon as its gate cannot pass, and retries nothing but what failed", async () => {
  const strict = { ...suite(), gate: [{ cleanAccuracy: { min: 1 } }] };
  const { gate, stopped, cells } = await runSuite(strict, {
    out: "fail-fast",
    failFast: true,
  });
  expect([gate.verdict, stopped?.by]).toEqual(["failed", "fail-fast"]);
  expect(cells.length).toBeLessThan(2);
  await runSuite("suite.yaml", { out: "whole" });
  await expect(
    runSuite("suite.yaml", { out: "whole", retryFailed: true }),
  ).rejects.toMatchObject({ code: "NOTHING_FAILED" });
});

test("what a run may take is said as in a suite, and what is not done by then is missing", async () => {
  const { failures, gate } = await runSuite("suite.yaml", {
    out: "short",
    limits: { run: "0.001s" },
  });
  expect(failures!.map(({ code }) => code)).toContain("TIME_LIMIT");
  expect(gate.verdict).not.toBe("passed");
  const whole = await runSuite("suite.yaml", {
    out: "short",
    limits: { run: 3600 },
    retryFailed: true,
  });
  expect(whole.failures).toBeUndefined();
  await expect(
    runSuite("suite.yaml", { out: "odd", limits: { run: "soon" } }),
  ).rejects.toMatchObject({
    code: "ARGUMENT_INVALID",
    message: expect.stringContaining("run"),
  });
});
