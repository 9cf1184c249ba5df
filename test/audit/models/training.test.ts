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
  const { train } = results.provenance.data;
  // One over the training samples to the power of 1.1.
  expect(facts.delta).toBeCloseTo(train ** -1.1, 12);
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
  // Who recomputes it has what it is made of, and everybody what it is of.
  expect(facts).toMatchObject({ noise: 2, "sampling rate": 32 / train });
  expect(facts.steps).toBe(2 * Math.ceil(train / 32));
  const [claim = ""] = candidate?.lineage?.claims ?? [];
  expect(claim).toContain("not of the validation samples");
  expect(renderMarkdown(results)).toContain(claim);
  expect(page).toContain(claim);
});

test.each([
  ["[awp, awp]", /listed twice/],
  ["[trades, pgd-at]", /only one of these/],
])("%s is refused", async (training, reason) => {
  await expect(loadSuite(suite(training))).rejects.toThrow(reason);
});

const pairs: [string, string, RegExp][] = [
  [
    "free-at",
    "[free-at, dp-sgd]",
    /free-at does not look at each sample alone/,
  ],
  [
    "fast-at",
    "[dp-sgd, fast-at]",
    /fast-at does not look at each sample alone/,
  ],
  ["awp", "[dp-sgd, awp]", /awp does not look at each sample alone/],
  ["sam", "[sam, dp-sgd]", /sam does not look/],
  ["autolora", "[autolora, dp-sgd]", /autolora does not look/],
  ["twins", "[twins, dp-sgd]", /twins does not look/],
  ["mixed examples", "[{ id: pgd-at, mix: 0.5 }, dp-sgd]", /pgd-at does not/],
  ["mixup", "dp-sgd\n    augment: [mixup]", /mixup mixes samples/],
  ["cutmix", "dp-sgd\n    augment: [flip, cutmix]", /cutmix mixes samples/],
  [
    "class weights",
    "dp-sgd\n    classWeights: balanced",
    /class weights depend/,
  ],
  [
    "named weights",
    "dp-sgd\n    classWeights: { '5': 2 }",
    /class weights depend/,
  ],
  ["temperature", "dp-sgd\n    samplingTemperature: 3", /drawn more often/],
  ["batch statistics", "dp-sgd\n    batchNorm: batch", /mix samples/],
  ["adaptation", "dp-sgd\n    adaptation: coral", /coral learns from further/],
];

test.each(pairs)(
  "an epsilon does not stand beside %s",
  async (_, stated, why) => {
    const refused = loadSuite(suite(stated));
    await expect(refused).rejects.toThrow(why);
    await expect(refused).rejects.toThrow(
      "the epsilon of dp-sgd would not hold",
    );
  },
);

test("an epsilon stands beside what looks at each sample alone", async () => {
  const { suite: read } = await loadSuite(
    suite(
      "[pgd-at, dp-sgd, input-gradient]\n    augment: [flip, colour]\n    regularizer: l2-sp",
    ),
  );
  expect(read.candidates.private?.training).toHaveLength(3);
});

test("one may be named without a list", async () => {
  const { suite: read } = await loadSuite(suite("trades"));
  expect(read.candidates.private?.training?.map((t) => t.unit.id)).toEqual([
    "trades",
  ]);
});
