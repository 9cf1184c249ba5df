import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { forecast, loadSuite, planSuite, runAudit } from "#audit";
import { saveModel } from "#model";
import { temporaryFolder } from "../folder.ts";
import { reference } from "../reference.ts";

const folder = temporaryFolder();

test("a plan says what is left to do, and how long by what was learned", async () => {
  vi.stubEnv("ASSAY_CACHE", mkdtempSync(join(folder, "cache-")));
  const suite = join(folder, "suite.yaml");
  writeFileSync(
    suite,
    `
version: 1
title: forecast
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 25
candidates: { one: { model: one.onnx } }
threatModels: { t: { norm: linf, eps: 0.05 } }
attacks: { fgsm: fgsm, noise: noise }
`,
  );
  saveModel(join(folder, "one.onnx"), await reference());
  const loaded = await loadSuite(suite);
  const foreseen = (out: string) =>
    forecast(loaded, planSuite(loaded), { out: join(folder, out) });

  const before = await foreseen("done");
  expect(existsSync(join(folder, "done"))).toBe(false);
  expect(before.works).toEqual(
    [
      ["look", 1],
      ["answers", 1],
      ["examples", 2],
      ["cell", 2],
      ["probes", 2],
      ["gallery", 1],
    ].map(([kind, all]) => ({
      kind,
      all,
      left: all,
      seconds: expect.any(Number),
      learned: false,
    })),
  );
  expect(before.time.every(({ seconds }) => seconds > 0)).toBe(true);
  expect(before.memory).toBeGreaterThan(2 ** 20);

  await runAudit({ suite, out: join(folder, "done") });
  const after = await foreseen("done");
  expect(after.works.map(({ left }) => left)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(after.time.every(({ seconds }) => seconds === 0)).toBe(true);

  const anew = await foreseen("another");
  const [one] = anew.time;
  expect(anew.works.every(({ learned }) => learned)).toBe(true);
  const each = anew.works.reduce((sum, { seconds }) => sum + seconds, 0);
  expect(one).toMatchObject({ workers: 1 });
  expect(one!.seconds).toBeGreaterThan(0);
  expect(one!.seconds / each).toBeCloseTo(1, 6);
  for (const { seconds } of anew.time)
    expect(seconds).toBeLessThanOrEqual(one!.seconds * (1 + 1e-9));
});
