import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type PropertyAttack, trialAttacks } from "#attacks";
import { runAudit } from "#audit";
import { floats } from "#onnx";
import { put } from "../../../folder.ts";

test("the score is how far the class stands above the others", () => {
  const unit = trialAttacks.find(
    ({ kind }) => kind === "property",
  ) as PropertyAttack;
  const logits = floats([2, 3], [3, 0, 0, 0, 3, 0]);
  expect([0, 1, 2].map((label) => unit.score({ logits, label }))).toEqual([
    0.5, 0.5, -1,
  ]);
});

test("that a class was rare is told of candidates; of groups that do not differ nothing is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-property-"));
  const suite = put(
    folder,
    "suite.yaml",
    `
version: 1
title: property
seed: 7
data: { source: digits }
classes: ["5", "6", "7"]
base:
  classes: ["0", "1", "2"]
  pretrain: { architecture: small-cnn, epochs: 3 }
candidates:
  head: { strategy: head-only, epochs: 8 }
trials:
  share:
    attack: { id: class-share, class: "7", kept: 0.1, shadows: 4, victims: 6 }
`,
  );
  const { trials } = await runAudit({ suite, out: join(folder, "out") });
  const [found, control] = trials[0]?.findings ?? [];
  expect(found?.n).toBe(12);
  expect(found?.low).toBeGreaterThan(0.5);
  expect(control?.low).toBeLessThanOrEqual(0.5);
  expect(trials[0]?.trusted).toBe(true);
});
