import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fitToSuite, loadSuite, type Results, runAudit } from "#audit";
import { type Sanitizer, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { loadModel, saveModel } from "#model";
import { put, temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";

const folder = temporaryFolder();
const path = put(
  folder,
  "suite.yaml",
  `
version: 1
title: fitted and random
seed: 3
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 10
candidates:
  given: { model: given.onnx }
defenses:
  learned: [{ id: pca, components: 30 }]
  noisy: [{ id: gaussian-noise, sigma: 0.1 }, { id: pca, components: 30 }]
threatModels:
  small: { norm: linf, eps: 0.1 }
attacks:
  pgd: { id: pgd, steps: 3, relStepSize: 0.4 }
  mean: { id: apgd-ce, steps: 3, restarts: 1, eot: 20 }
`,
);

const timeless = ({ timing: _, ...results }: Results) => ({
  ...results,
  cells: results.cells.map(({ seconds: _, ...cell }) => cell),
});

test("defences that learn are fitted once, and a run that goes on ends as one that was whole", async () => {
  saveModel(join(folder, "given.onnx"), await reference());
  const out = join(folder, "out");
  // Only part of the cells at first, in another order than the whole run takes them.
  await runAudit({ suite: path, out, only: ["given/noisy/mean@small"] });
  const fits = readdirSync(join(out, "fits")).filter((f) =>
    /^[0-9a-f]+\.json$/.test(f),
  );
  expect(fits).toHaveLength(1);
  const [record = ""] = fits;
  const written = statSync(join(out, "fits", record)).mtimeMs;
  const whole = await runAudit({ suite: path, out });
  expect(statSync(join(out, "fits", record)).mtimeMs).toBe(written);
  const alone = await runAudit({ suite: path, out: join(folder, "alone") });
  expect(timeless(whole)).toEqual(timeless(alone));

  // An attack that looks at one draw of a defence that draws is not believed.
  const checked = (attack: string, defense: string) =>
    whole.cells
      .find((c) => c.attack === attack && c.defense === defense && c.adaptive)
      ?.checks.find((c) => c.id === "repeatable")?.status;
  expect(checked("pgd", "noisy")).toBe("failed");
  expect(checked("mean", "noisy")).toBe("warned");
  expect(checked("pgd", "learned")).toBe("passed");

  // Hardening a model finds the same constants, here behind the noise.
  const chosen = (id: string, params: Record<string, unknown>) => {
    const unit = sanitizers.find((s) => s.id === id) as Sanitizer;
    return { unit, params: unit.params.parse(params) };
  };
  const [, again] = await fitToSuite(
    [
      chosen("gaussian-noise", { sigma: 0.1 }),
      chosen("pca", { components: 30 }),
    ],
    await loadModel(join(folder, "given.onnx")),
    await loadSuite(path),
    onnxruntime,
  );
  const kept = join(out, "fits", record.replace(".json", ""), "mean.npy");
  const bytes = again?.fitted?.get("mean")?.data.buffer as ArrayBuffer;
  expect(
    readFileSync(kept).subarray(-bytes.byteLength).equals(Buffer.from(bytes)),
  ).toBe(true);
});
