import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AuditEvent, type Results, runAudit } from "#audit";
import { resultsSchema } from "#results";
import { put, temporaryFolder } from "../folder.ts";

const folder = temporaryFolder();

/**
 * Everything at least once: training, a sanitizer that rounds, white-box and black-box
 * attacks, transfer, a gate.
 */
const small = (engine?: string) => `
version: 1
title: both engines
seed: 3
${engine ? `engine: ${engine}` : ""}
data: { source: digits }
classes: ["5", "6"]
samples: 8
base:
  classes: ["0", "1"]
  pretrain: { architecture: small-cnn, epochs: 1, batchSize: 16 }
candidates:
  head: { strategy: head-only, epochs: 2, learningRate: 0.01 }
defenses:
  squeeze: [{ id: bit-depth, bits: 2 }]
threatModels:
  small: { norm: linf, eps: 0.1 }
attacks:
  fgsm: fgsm
  pgd: { id: pgd, steps: 3, relStepSize: 0.4 }
  public: { id: base-pgd, steps: 2 }
gate:
  - cleanAccuracy: { min: 0.5 }
  - robustAccuracy: { min: 0.9, threatModel: small }
`;

async function audit(
  text: string,
  choice: Parameters<typeof runAudit>[0]["engine"] = {},
): Promise<{ results: Results; events: AuditEvent[] }> {
  const run = mkdtempSync(join(folder, "run-"));
  const suite = put(run, "suite.yaml", text);
  const events: AuditEvent[] = [];
  const results = await runAudit({
    suite,
    out: run,
    engine: choice,
    onEvent: (e) => events.push(e),
  });
  return { results: resultsSchema.parse(results), events };
}

const counts = ({ cells, candidates }: Results) => ({
  clean: candidates.map((c) => c.cleanAccuracy),
  cells: cells.map((c) => ({
    id: c.id,
    robust: c.robustAccuracy,
    trusted: c.trusted,
    checks: c.checks.map(({ id, status }) => ({ id, status })),
  })),
});

test("a whole audit gives the same verdicts and counts on both engines", async () => {
  const usual = await audit(small());
  const second = await audit(small("tfjs"));
  expect(usual.results.provenance.engine).toMatch(/^onnxruntime-node /);
  const { engine } = second.results.provenance;
  expect(engine).toMatch(/^tfjs 4\.\d+\.\d+ \(@tensorflow\/tfjs, cpu\)$/);
  expect(second.events[0]).toEqual({
    kind: "phase",
    title: `Running on ${engine}`,
  });
  expect(second.results.gate).toEqual(usual.results.gate);
  expect(usual.results.gate.verdict).not.toBe("none");
  expect(counts(second.results)).toEqual(counts(usual.results));
  // The command line wins over the suite.
  const told = await audit(small("tfjs"), { engine: "onnxruntime" });
  expect(told.results.provenance.engine).toMatch(/^onnxruntime-node /);
});
