import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AuditEvent, baselineOf, loadSuite, runAudit } from "#audit";
import { packagePath } from "#core";
import { saveModel } from "#model";
import { renderHtml, renderMarkdown, reporters } from "#reports";
import { resultsSchema } from "#results";
import { temporaryFolder } from "../folder.ts";
import { reference } from "../reference.ts";
import { settingsOf } from "./settings.ts";

const folder = temporaryFolder();

const text = `
version: 1
title: two of them
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 25
candidates:
  one: { model: one.onnx }
  other: { model: other.onnx }
threatModels: { t: { norm: linf, eps: 0.05 } }
attacks: { fgsm: fgsm, pgd: { id: pgd, steps: 5 } }
gate:
  - cleanAccuracy: { min: 0.5 }
`;

async function place() {
  const at = mkdtempSync(join(folder, "s-"));
  const suite = join(at, "suite.yaml");
  writeFileSync(suite, text);
  const model = await reference();
  for (const name of ["one", "other"])
    saveModel(join(at, `${name}.onnx`), model);
  return { suite, out: join(at, "out") };
}

test("a quick suite has little of everything, and each cell and trial still", async () => {
  const demo = packagePath("suites", "demo.yaml");
  const { suite: whole } = await loadSuite(demo);
  const { suite } = await loadSuite(demo, { smoke: { quick: true } });
  expect(suite.samples).toBe(10);
  expect(suite.attacks.pgd?.params).toMatchObject({ steps: 2, restarts: 1 });
  expect(suite.base?.pretrain?.epochs).toBe(1);
  expect(settingsOf(suite, "full").epochs).toBe(1);
  // Four layer groups would not be unfrozen in one epoch.
  expect(settingsOf(suite, "gradual").epochs).toBe(
    settingsOf(whole, "gradual").epochs,
  );
  expect(suite.trials.undo?.attack.params).toMatchObject({
    steps: [1],
    seeds: 1,
    undo: { steps: 2, eps: 0.2 },
  });
  expect(Object.keys(suite.attacks)).toEqual(Object.keys(whole.attacks));
  expect(suite.sweep).toEqual(whole.sweep);
  expect(suite.gate).toEqual(whole.gate);
  // Nothing but what is attacked is less where only samples are stated.
  const few = await loadSuite(demo, { smoke: { samples: 3 } });
  expect(few.suite).toEqual({ ...whole, samples: 3 });
});

test("a smoke run has no verdict, is no baseline, and says so wherever it is read", async () => {
  const { suite, out } = await place();
  const smoke = { samples: 5, quick: true };
  const results = await runAudit({ suite, out, smoke });
  expect(() => resultsSchema.parse(results)).not.toThrow();
  expect(results).toMatchObject({
    complete: false,
    smoke,
    gate: { verdict: "none", rules: [] },
  });
  expect(results.cells[0]?.outcomes.length).toBe(5);
  expect(() => baselineOf(results)).toThrow(/smoke run/);
  expect(renderMarkdown(results)).toContain("**smoke run, no verdict**");
  expect(await renderHtml(results)).toContain("Smoke run");
  const junit = reporters.find(({ id }) => id === "junit")!;
  const xml = await junit.render(results, {
    examplesOf: async () => undefined,
    works: [],
  });
  expect(xml).toContain('name="SMOKE RUN, no verdict: two of them"');
  // No number of it counts as a test that passed.
  expect(String(xml).match(/<testcase/g)?.length).toBe(
    String(xml).match(/<skipped/g)?.length,
  );
});

test("neither kind of run takes the place of the other", async () => {
  const { suite, out } = await place();
  const leave = (results: object) =>
    writeFileSync(join(out, "results.json"), JSON.stringify(results));
  mkdirSync(out);
  leave({ complete: true });
  await expect(
    runAudit({ suite, out, smoke: { samples: 5 } }),
  ).rejects.toMatchObject({ code: "SMOKE_FOLDER" });
  leave({ smoke: { samples: 5, quick: false } });
  await expect(runAudit({ suite, out })).rejects.toMatchObject({
    code: "SMOKE_FOLDER",
  });
});

test("what failed is tried again alone, with what needs it", async () => {
  const { suite, out } = await place();
  const retry = async (options: object) => {
    const done: string[] = [];
    const onEvent = (event: AuditEvent) => {
      if (event.kind === "work" && event.state === "done")
        done.push(event.work);
    };
    const results = await runAudit({ suite, out, onEvent, ...options });
    writeFileSync(join(out, "results.json"), JSON.stringify(results));
    return { results, done };
  };
  await expect(retry({ retryFailed: true })).rejects.toMatchObject({
    code: "NOTHING_FAILED",
  });
  const first = await retry({ limits: { run: 1e-6 } });
  const failed = first.results.failures!.map(({ work }) => work);
  expect(failed.length).toBeGreaterThan(0);
  // One of those that failed alone, as if the rest had never been begun.
  const [only] = failed;
  writeFileSync(
    join(out, "results.json"),
    JSON.stringify({ failures: [{ work: only }] }),
  );
  const { done } = await retry({ retryFailed: true });
  expect(done).toContain(only);
  const rest = await retry({});
  expect(rest.results.failures).toBeUndefined();
  expect(rest.done).not.toContain(only);
  await expect(retry({ retryFailed: true })).rejects.toMatchObject({
    code: "NOTHING_FAILED",
  });
});
