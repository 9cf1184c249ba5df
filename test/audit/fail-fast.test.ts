import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runAudit } from "#audit";
import { saveModel } from "#model";
import { renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import { exitCodeOf, exitCodes } from "../../src/cli/exit-codes.ts";
import { temporaryFolder } from "../folder.ts";
import { reference } from "../reference.ts";

const folder = temporaryFolder();

const suiteOf = (min: number) => `
version: 1
title: early
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 25
candidates:
  one: { model: one.onnx }
threatModels: { t: { norm: linf, eps: 0.3 }, u: { norm: linf, eps: 0.2 } }
attacks: { fgsm: fgsm, pgd: { id: pgd, steps: 3 } }
gate:
  - robustAccuracy: { min: ${min}, threatModel: t }
`;

async function place(min: number) {
  const at = mkdtempSync(join(folder, "s-"));
  const suite = join(at, "suite.yaml");
  writeFileSync(suite, suiteOf(min));
  saveModel(join(at, "one.onnx"), await reference());
  return { suite, out: join(at, "out"), failFast: true };
}

test("a run ends when a rule cannot pass any more, says what it left, and exits with 3", async () => {
  const options = await place(0.95);
  const results = await runAudit(options);
  expect(() => resultsSchema.parse(results)).not.toThrow();
  expect(results.stopped).toMatchObject({
    by: "fail-fast",
    reason: expect.stringMatching(/^robustAccuracy: min 0.95.*outside/),
  });
  expect(results.failures).toBeUndefined();
  expect(results.missing?.length).toBeGreaterThan(0);
  expect(results.gate.verdict).toBe("failed");
  expect(exitCodeOf(results)).toBe(exitCodes.gateFailed);
  expect(renderMarkdown(results)).toContain("could not pass any more");
  const whole = await runAudit({ ...options, failFast: false });
  expect(whole.stopped).toBeUndefined();
  expect(whole.missing).toBeUndefined();
  expect(whole.gate.verdict).toBe("failed");
});

test("what has no verdict cannot fail fast", async () => {
  const options = await place(0);
  for (const more of [{ only: ["one/*"] }, { smoke: { samples: 2 } }])
    await expect(runAudit({ ...options, ...more })).rejects.toMatchObject({
      code: "FAIL_FAST",
    });
});
