import { join } from "node:path";
import { expect, test } from "vitest";
import { fitToSuite, loadSuite, runAudit } from "#audit";
import { type ChosenDefense, defend, detectors } from "#defenses";
import { onnxruntime } from "#engine";
import { loadModel, saveModel } from "#model";
import { put, temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";

const folder = temporaryFolder();
const suite = put(
  folder,
  "suite.yaml",
  `
version: 1
title: detectors
seed: 3
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 40
candidates:
  given: { model: given.onnx }
defenses:
  guarded: [{ id: mahalanobis, fpr: 0.1 }]
  treated: [{ id: energy, policy: sanitise }, { id: median, size: 3 }]
threatModels:
  small: { norm: linf, eps: 0.15 }
attacks:
  pgd: { id: pgd, steps: 10, relStepSize: 0.2 }
  noise: noise
`,
);

test("an audit reports what detectors cost, caught and missed, and counts a rejection as no wrong answer", async () => {
  saveModel(join(folder, "given.onnx"), await reference());
  const out = join(folder, "out");
  const { cells, worstCases } = await runAudit({ suite, out });
  const cell = (id: string) => {
    const found = cells.find((c) => c.id === `given/${id}@small`);
    if (!found) throw new Error(`no cell ${id}`);
    return found;
  };
  const [none, asIs, aware] = [
    cell("none/pgd"),
    cell("guarded/pgd+as-is"),
    cell("guarded/pgd"),
  ];
  expect(none.detection).toBeUndefined();
  // Clean samples that are rejected are errors.
  const rejected = aware.detection?.clean.rejected.value as number;
  const [detector] = aware.detection?.detectors ?? [];
  expect(detector?.falsePositives.value).toBe(rejected);
  expect(aware.cleanAccuracy.value).toBeLessThanOrEqual(1 - rejected);
  expect(aware.outcomes.match(/-/g)?.length ?? 0).toBe(
    Math.round(40 * (1 - aware.cleanAccuracy.value)),
  );
  // What the attack does not know of catches some of it. What it knows of it evades.
  const caught = (c: typeof aware) =>
    c.detection?.detectors[0]?.detected?.value as number;
  expect(caught(asIs)).toBeGreaterThan(caught(aware));
  expect(aware.robustAccuracy.value).toBeLessThanOrEqual(
    asIs.robustAccuracy.value,
  );
  // Right or rejected, of those that were right clean.
  const { attacked } = aware.detection as NonNullable<typeof aware.detection>;
  const right =
    (attacked.acceptedAccuracy?.value ?? 0) * (1 - attacked.rejected.value);
  expect(aware.robustAccuracy.value).toBeLessThanOrEqual(
    right + attacked.rejected.value + 1e-9,
  );
  expect(detector?.roc?.auc.value).toBeGreaterThan(0.5);
  expect(
    worstCases.find((w) => w.defense === "guarded")?.robustAccuracy.value,
  ).toBeLessThanOrEqual(aware.robustAccuracy.value);
  // One that sanitises refuses nothing.
  const { detection } = cell("treated/pgd");
  expect(detection?.clean.rejected.value).toBe(0);
  expect(detection?.detectors[0]?.policy).toBe("sanitise");

  // A second run computes nothing again, and hardening finds the same threshold.
  const again = await runAudit({ suite, out });
  expect(again.cells).toEqual(cells);
  const unit = detectors.find((d) => d.id === "mahalanobis") as NonNullable<
    (typeof detectors)[number]
  >;
  const model = await loadModel(join(folder, "given.onnx"));
  const chosen: ChosenDefense = {
    unit,
    params: unit.params.parse({ fpr: 0.1 }),
  };
  const fitted = await fitToSuite(
    [chosen],
    model,
    await loadSuite(suite),
    onnxruntime,
  );
  const file = join(folder, "hardened.onnx");
  saveModel(file, defend(model, fitted));
  expect((await loadModel(file)).detectors?.[0]?.threshold).toBe(
    detector?.threshold,
  );
});

test("a suite whose detector sanitises by nothing is refused before anything is computed", async () => {
  const path = put(
    folder,
    "nothing.yaml",
    `
version: 1
title: nothing
data: { source: digits }
candidates: { given: { model: given.onnx } }
defenses: { treated: [{ id: energy, policy: sanitise }] }
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks: { noise: noise }
`,
  );
  await expect(
    runAudit({ suite: path, out: join(folder, "refused") }),
  ).rejects.toThrow(/sanitise what it flags/);
});
