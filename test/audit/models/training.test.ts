import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSuite, runAudit } from "#audit";
import { readModel } from "#onnx";
import { renderHtml, renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import { temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();

function suite(training: string): string {
  const path = join(folder, `${Math.random()}.yaml`);
  writeFileSync(
    path,
    `
version: 1
title: several training defences
data: { source: digits }
classes: ["5", "6", "7"]
samples: 20
base:
  classes: ["0", "1", "2"]
  pretrain: { architecture: small-cnn, epochs: 1 }
candidates:
  private:
    strategy: head-only
    training: ${training}
    epochs: 2
threatModels:
  small: { norm: linf, eps: 0.1 }
attacks:
  fgsm: fgsm
`,
  );
  return path;
}

test("training defences are listed in order, and what they state is in the lineage, the file and the reports", async () => {
  const out = mkdtempSync(join(folder, "out-"));
  const results = await runAudit({
    suite: suite(
      "[{ id: label-smoothing, epsilon: 0.2 }, { id: jacobian }, { id: dp-sgd, noise: 2 }]",
    ),
    out,
    onEvent: () => {},
  });
  expect(() => resultsSchema.parse(results)).not.toThrow();
  const [candidate] = results.candidates;
  expect(candidate?.training?.id).toBe("label-smoothing");
  expect(candidate?.moreTraining?.map((t) => t.id)).toEqual([
    "jacobian",
    "dp-sgd",
  ]);
  const facts = candidate?.lineage?.facts ?? {};
  expect(facts.epsilon).toBeGreaterThan(0);
  // One over the training samples to the power of 1.1.
  expect(facts.delta).toBeCloseTo(results.provenance.data.train ** -1.1, 12);
  const records = candidate?.history[0]?.records ?? {};
  expect(records["squared Jacobian"]).toBeGreaterThan(0);
  const file = readdirSync(join(out, "models")).find((f) =>
    /^private.*onnx$/.test(f),
  ) as string;
  const saved = readModel(join(out, "models", file)).metadata;
  expect(JSON.parse(saved.get("assay.lineage") as string).facts).toEqual(facts);
  expect(renderMarkdown(results)).toContain("Training of private: epsilon ");
  const page = await renderHtml(results);
  expect(page).toContain("squared Jacobian");
  expect(page).toMatch(/; epsilon [\d.]+, delta /);
});

test.each([
  ["[awp, awp]", /listed twice/],
  ["[trades, pgd-at]", /only one of these/],
])("%s is refused", async (training, reason) => {
  await expect(loadSuite(suite(training))).rejects.toThrow(reason);
});

test("one may be named without a list", async () => {
  const { suite: read } = await loadSuite(suite("trades"));
  expect(read.candidates.private?.training?.map((t) => t.unit.id)).toEqual([
    "trades",
  ]);
});
