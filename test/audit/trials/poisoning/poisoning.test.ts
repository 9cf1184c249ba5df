import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import type { TargetedPoisoning } from "#attacks";
import { runAudit } from "#audit";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { trainOn } from "../../../../defenses/repair/train.ts";
import { targetedPoisoning } from "../../../../src/audit/trials/poisoning/targeted-poisoning.ts";
import { put } from "../../../folder.ts";
import { reference, smallDigits, untrained } from "../../../reference.ts";
import { trialInput } from "../../trial-input.ts";

test("few samples and a frozen body: poisons flip their targets, and flips lower accuracy step by step", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-poisoning-"));
  const suite = put(
    folder,
    "suite.yaml",
    `
version: 1
title: poisoning
seed: 7
data: { source: digits }
classes: ["5", "6", "7"]
split: { train: 0.08, validation: 0.08, test: 0.4 }
base:
  classes: ["0", "1", "2", "3", "4"]
  pretrain: { architecture: small-cnn, epochs: 15 }
candidates:
  head: { strategy: head-only, epochs: 150, learningRate: 1e-2, patience: null }
trials:
  frogs: { attack: { id: poison-frogs, budgets: [5], targets: 4 } }
  brew:
    attack: { id: witches-brew, budgets: [8], targets: 4, eps: 0.5, steps: 60, restarts: 1, weights: head }
  flips: { attack: { id: label-flip, budgets: [0.3, 0.6] } }
`,
  );
  const { trials } = await runAudit({ suite, out: join(folder, "out") });
  const of = (trial: string, id: string) =>
    trials
      .find((t) => t.trial === trial)
      ?.findings.filter((f) => f.id === id) ?? [];
  for (const trial of ["frogs", "brew"]) {
    const [hit, none, shuffled] = of(trial, "success");
    expect(hit?.value).toBeGreaterThanOrEqual(0.5);
    expect(none?.value).toBe(0);
    expect(shuffled?.value).toBeLessThanOrEqual(1 / 4);
  }
  const accuracy = of("flips", "accuracy");
  expect(accuracy).toHaveLength(3);
  for (const [i, next] of accuracy.slice(1).entries())
    expect(next.low).toBeLessThan(accuracy[i]?.value ?? 0);
  expect(accuracy.at(-1)?.high).toBeLessThan(accuracy[0]?.low ?? 0);
  expect(trials.every((t) => t.trusted)).toBe(true);
});

/** Gives every sample the wanted label, whatever is in it. */
const blunt: TargetedPoisoning = {
  id: "blunt",
  title: "Every label",
  kind: "targeted-poisoning",
  reference: "",
  taxonomy: { atlas: [], owasp: [], nist: [] },
  threat: "",
  params: z.strictObject({
    budgets: z.array(z.number()),
    targets: z.number(),
  }),
  poison: async ({ train, aim }) => ({
    rows: [...train.y.keys()],
    x: train.x,
    y: train.y.map(() => aim.to),
  }),
};

test("a control that succeeds as well makes the trial untrusted", async () => {
  const data = await smallDigits();
  const model = await reference();
  const found = await targetedPoisoning.run(
    trialInput(blunt, { budgets: [1], targets: 6 }, model, data, {
      base: untrained(),
      retune: async ({ train }) => ({
        model: train
          ? await trainOn(
              { ...untrained(), classes: model.classes },
              train,
              { epochs: 3, learningRate: 1e-2, batchSize: 32 },
              onnxruntime,
              new Random(1),
            )
          : model,
        filtered: null,
      }),
    }),
  );
  expect(found.checks.map((c) => c.status)).toEqual(["failed"]);
});
