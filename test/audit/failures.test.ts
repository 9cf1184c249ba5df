import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AuditEvent, runAudit } from "#audit";
import { saveModel } from "#model";
import { floats } from "#onnx";
import { renderHtml, renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import { temporaryFolder } from "../folder.ts";
import { reference } from "../reference.ts";

const folder = temporaryFolder();

const text = `
version: 1
title: one of two
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 25
candidates:
  good: { model: good.onnx }
  bad: { model: bad.onnx }
threatModels: { t: { norm: linf, eps: 0.05 } }
attacks: { fgsm: fgsm }
gate:
  - cleanAccuracy: { min: 0.5 }
  - robustAccuracy: { min: 0.01 }
  - cleanAccuracyDrop: { max: 1, than: bad }
`;

test("a candidate that fails costs what needs it, and what is mended is tried alone", async () => {
  const model = await reference();
  const place = mkdtempSync(join(folder, "s-"));
  const suite = join(place, "suite.yaml");
  writeFileSync(suite, text);
  saveModel(join(place, "good.onnx"), model);
  const broken = new Map(model.graph.constants);
  broken.set("head.bias", floats([5], [Number.NaN, 0, 0, 0, 0]));
  const bad = join(place, "bad.onnx");
  saveModel(bad, { ...model, graph: { ...model.graph, constants: broken } });
  const run = async () => {
    const done: string[] = [];
    const onEvent = (event: AuditEvent) => {
      if (event.kind === "work" && event.state === "done")
        done.push(event.work);
    };
    const results = await runAudit({ suite, out: join(place, "out"), onEvent });
    return { results, done };
  };

  const { results, done } = await run();
  expect(done).toContain("cell good/none/fgsm@t");
  expect(() => resultsSchema.parse(results)).not.toThrow();
  expect(results.failures).toMatchObject([
    { work: "look bad", code: "PREFLIGHT" },
  ]);
  expect(results.missing).toMatchObject([
    { what: "candidate", id: "bad", because: "look bad" },
    { what: "cell", id: "bad/none/fgsm@t", because: "look bad" },
    { what: "gallery", id: "bad", because: "look bad" },
  ]);
  expect(results.candidates.map(({ id }) => id)).toEqual(["good"]);
  expect(results.gate.verdict).toBe("inconclusive");
  expect(
    results.gate.rules.map(({ subject, verdict }) => [subject, verdict]),
  ).toEqual([
    ["good / none", "passed"],
    ["bad / none", "inconclusive"],
    ["good / none / t", "passed"],
    ["bad / none / t", "inconclusive"],
    ["good against bad", "inconclusive"],
  ]);
  expect(results.gate.rules[1]?.reason).toMatch(
    /^Clean accuracy was not measured: candidate bad and 1 more have no result, since look bad failed \(.*not finite/,
  );
  expect(await renderHtml(results)).toContain("What failed");
  expect(renderMarkdown(results)).toContain("- look bad: ");

  const again = await run();
  expect(again.done).toEqual([]);
  expect(again.results.failures).toEqual(results.failures);

  saveModel(bad, model);
  const second = await run();
  expect(second.done).toContain("cell bad/none/fgsm@t");
  // What one given model withstands is tried on the examples of the other.
  expect(second.done.filter((work) => !work.includes("bad"))).toEqual([
    "probes good/none/fgsm@t",
  ]);
  expect(second.results.failures).toBeUndefined();
  expect(second.results.missing).toBeUndefined();
  expect(second.results.gate.verdict).toBe("passed");
});

test("a run that is out of time says what is missing, and judges the rest", async () => {
  const model = await reference();
  const place = mkdtempSync(join(folder, "s-"));
  const suite = join(place, "suite.yaml");
  writeFileSync(suite, `${text}limits: { run: 1h }\n`);
  for (const name of ["good", "bad"])
    saveModel(join(place, `${name}.onnx`), model);
  // The flag is stronger than the suite. What runs when the time is up ends by itself.
  const limited = { suite, out: join(place, "out"), limits: { run: 1e-6 } };
  const results = await runAudit(limited);
  expect(results.candidates.length).toBeGreaterThan(0);
  expect(results.failures?.map(({ code }) => code)).toContain("TIME_LIMIT");
  expect(results.gate.verdict).toBe("inconclusive");
  const { limits: _, ...whole } = limited;
  expect((await runAudit(whole)).gate.verdict).toBe("passed");
});
