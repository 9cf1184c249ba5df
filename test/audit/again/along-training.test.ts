import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type AuditEvent, type Results, runAudit } from "#audit";
import { renderHtml, renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import type { Epoch } from "#tuning";
import { chosenEpochs } from "../../../src/audit/again/along-training.ts";
import { put, temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();

const text = (trajectory: string) => `version: 1
title: trajectory
seed: 3
data: { source: digits }
classes: ["5", "6", "7"]
samples: 24
tasks: { odd: { relabel: { classes: { even: ["6"], odd: ["5", "7"] } } } }
base: { classes: ["0", "1", "2"], pretrain: { architecture: small-cnn, epochs: 2 } }
candidates:
  gradual: { strategy: { id: gradual-unfreezing, epochsPerStage: 1 }, epochs: 4, learningRate: 0.003 }
  lora: { strategy: lora, epochs: 2, learningRate: 0.01 }
  multi: { strategy: full, tasks: [main, odd], epochs: 1, learningRate: 0.003 }
  as-given: { strategy: head-only, epochs: 1 }
threatModels: { small: { norm: linf, eps: 0.05 } }
attacks: { pgd: { id: pgd, steps: 3, relStepSize: 0.4 }, deepfool: deepfool }
gallery: 0
${trajectory}
`;
const followed = text(
  "trajectory: { attack: pgd, threatModel: small, candidates: [gradual, lora, multi] }",
);

async function run(suite: string, out: string) {
  const file = put(folder, "suite.yaml", suite);
  const events: AuditEvent[] = [];
  const results = await runAudit({
    suite: file,
    out: join(folder, out),
    onEvent: (e) => events.push(e),
  });
  return { results, epochs: events.filter((e) => e.kind === "epoch").length };
}

let results: Results;
beforeAll(async () => {
  ({ results } = await run(followed, "out"));
});

test("every epoch is attacked, and those of each stage say what was trained", () => {
  expect(() => resultsSchema.parse(results)).not.toThrow();
  const [gradual, lora, main, odd, ...more] = results.trajectories ?? [];
  expect(more).toEqual([]);
  expect([lora, main, odd].map((t) => t?.candidate)).toEqual([
    "lora",
    "multi.main",
    "multi.odd",
  ]);
  expect(gradual?.points.map((p) => p.epoch)).toEqual([1, 2, 3, 4]);
  const trained = gradual?.points.map((p) => p.trainable.length) ?? [];
  expect(trained[0]).toBe(1);
  expect(trained[1]).toBe(2);
  expect(gradual?.points.filter((p) => p.best)).toHaveLength(1);
});

test("the weights that were kept are those that the cells attack", () => {
  for (const { candidate, points } of results.trajectories ?? []) {
    const cell = results.cells.find(
      (c) => c.id === `${candidate}/none/pgd@small`,
    );
    expect(points.find((p) => p.best)).toMatchObject({
      cleanAccuracy: cell?.cleanAccuracy,
      robustAccuracy: cell?.robustAccuracy,
    });
  }
});

test("nothing is trained or attacked again, and one that is asked for later is the same", async () => {
  const again = await run(followed, "out");
  expect(again.epochs).toBe(0);
  expect(again.results.trajectories).toEqual(results.trajectories);
  const before = await run(text(""), "later");
  expect(before.results.trajectories).toBeUndefined();
  expect(readdirSync(join(folder, "later"))).not.toContain("epochs");
  const { epochs, results: late } = await run(followed, "later");
  expect(epochs).toBe(4 + 2 + 1);
  expect(late.trajectories).toEqual(results.trajectories);
  expect(late.candidates.map((c) => c.hash)).toEqual(
    results.candidates.map((c) => c.hash),
  );
});

test("adaptations without a source are followed too, and one that trains nothing says so", async () => {
  const { results: adapted } = await run(
    `version: 1
title: adapted
seed: 3
data: { source: digits }
classes: ["5", "6", "7"]
shift: [invert]
samples: 24
base: { pretrain: { architecture: small-cnn-bn, batchNorm: batch, epochs: 1 } }
candidates: { tent: { adaptation: { id: tent, epochs: 2 } }, adabn: { adaptation: adabn } }
threatModels: { small: { norm: linf, eps: 0.05 } }
attacks: { pgd: { id: pgd, steps: 3, relStepSize: 0.4 } }
trajectory: { attack: pgd, threatModel: small }
gallery: 0
`,
    "adapted",
  );
  const [tent, adabn] = adapted.trajectories ?? [];
  expect(tent?.points.map((p) => [p.epoch, p.best])).toEqual([
    [1, false],
    [2, true],
  ]);
  const cell = adapted.cells.find((c) => c.id === "tent/none/pgd@small");
  expect(tent?.points[1]).toMatchObject({
    cleanAccuracy: cell?.cleanAccuracy,
    robustAccuracy: cell?.robustAccuracy,
  });
  const note =
    "nothing is trained in epochs: statistics of 2 layers, set at once";
  expect(adabn).toMatchObject({ candidate: "adabn", points: [], note });
  expect(() => resultsSchema.parse(adapted)).not.toThrow();
  expect(await renderHtml(adapted)).toContain(`adabn: ${note}`);
  expect(renderMarkdown(adapted)).toContain(
    `Robustness of adabn by epoch: ${note}`,
  );
});

test("of many epochs every so many are attacked, with those before an unfreezing, the kept and the last", () => {
  const line = (epoch: number): Epoch => ({
    epoch,
    stage: epoch <= 7 ? 1 : 2,
    trainable: [],
    learningRate: 1,
    trainLoss: 0,
    validationLoss: 0,
    validationAccuracy: 0,
    best: epoch === 11,
  });
  const history = Array.from({ length: 14 }, (_, i) => line(i + 1));
  expect(chosenEpochs(history, 5).map((l) => l.epoch)).toEqual([
    5, 7, 10, 11, 14,
  ]);
  expect(chosenEpochs(history, 1)).toEqual(history);
});

test("the reports show it", async () => {
  const page = await renderHtml(results);
  expect(page).toContain("Robustness along the training");
  // The script has such words.
  const [read] = page.split("<script>");
  expect(read).not.toMatch(/undefined|NaN|\[object/);
  expect(renderMarkdown(results)).toContain("Robustness of gradual by epoch");
});

test.each([
  ["{ attack: pgb, threatModel: small }", /trajectory.attack names "pgb"/],
  ["{ attack: pgd, threatModel: big }", /threatModel names "big"/],
  ["{ attack: deepfool, threatModel: small }", /not for linf of "small"/],
  [
    "{ attack: pgd, threatModel: small, candidates: [other] }",
    /"other", which is no candidate/,
  ],
])("%s is refused", async (trajectory, message) => {
  await expect(run(text(`trajectory: ${trajectory}`), "never")).rejects.toThrow(
    message,
  );
});
