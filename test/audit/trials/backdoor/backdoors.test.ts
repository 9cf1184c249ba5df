import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Results, runAudit } from "#audit";
import { resultsSchema } from "#results";
import { put, temporaryFolder } from "../../../folder.ts";

const folder = temporaryFolder();
const path = put(
  folder,
  "suite.yaml",
  `
version: 1
title: backdoors
seed: 3
data: { source: digits }
classes: ["5", "6", "7", "8", "9"]
base:
  classes: ["0", "1", "2", "3", "4"]
  pretrain: { architecture: small-cnn, epochs: 5, learningRate: 0.005 }
candidates:
  full: { strategy: full, epochs: 10, learningRate: 0.005 }
  head: { strategy: head-only, epochs: 15, learningRate: 0.01 }
trials:
  badnets:
    attack: { id: badnets, target: "7", budgets: [0.1] }
    candidates: [full]
  latent:
    attack: { id: latent, size: 3, target: "7", epochs: 5, learningRate: 0.003 }
    candidates: [head]
    repairs: [none]
defenses:
  scale-up: [scale-up]
  strip: [{ id: strip, blends: 20 }]
repairs:
  knn: [label-sanitisation]
`,
);

let results: Results;
beforeAll(async () => {
  results = await runAudit({ suite: path, out: join(folder, "out") });
});

const trialOf = (id: string) => {
  const trial = results.trials.find((t) => t.id === id);
  if (!trial) throw new Error(`no trial ${id}`);
  const measured = (finding: string, at: string | RegExp) =>
    trial.findings.find(
      (f) =>
        f.id === finding &&
        (typeof at === "string" ? f.at === at : at.test(f.at ?? "")),
    )?.value ?? Number.NaN;
  return { ...trial, measured };
};

test("a planted backdoor works, and an absent one and another trigger do not", () => {
  expect(() => resultsSchema.parse(results)).not.toThrow();
  const { measured, findings, checks, pictures, charts } =
    trialOf("full/none/badnets");
  const headline = findings.find((f) => f.role === "headline");
  expect(headline?.value).toBeGreaterThan(0.9);
  expect(measured("attack-success", "nothing planted")).toBeLessThan(0.1);
  expect(measured("attack-success", "no trigger")).toBeLessThan(0.1);
  expect(checks.map((c) => c.status)).toEqual(["passed", "passed", "passed"]);
  expect(measured("clean-accuracy-lost", /poisons/)).toBeLessThan(5);
  expect(pictures).toHaveLength(3);
  expect(charts[0]?.lines.map((l) => l.points.length)).toEqual([2, 2]);
});

test("defences and repairs are rated against the backdoor", () => {
  const bare = trialOf("full/none/badnets");
  const shares = bare.findings.filter((f) => f.at === "behind strip");
  expect(shares.map((f) => f.id)).toEqual([
    "attack-success",
    "robust-accuracy",
    "triggered-refused",
    "clean-refused",
    "defence-effectiveness",
  ]);
  const repaired = trialOf("full/knn/badnets");
  const before = repaired.measured("attack-success", /not repaired/);
  expect(before).toBe(bare.findings.find((f) => f.role === "headline")?.value);
  const rating = repaired.measured("defence-effectiveness", /poisons/);
  expect(rating).toBeGreaterThanOrEqual(0);
  expect(rating).toBeLessThanOrEqual(1);
});

test("a base with a latent backdoor gives it to a candidate that keeps its features", () => {
  const { measured, findings, checks, charts, notes } =
    trialOf("head/none/latent");
  const headline = findings.find((f) => f.role === "headline");
  expect(headline?.at).toBe("a planted base");
  expect(headline?.value).toBeGreaterThan(0.5);
  expect(measured("attack-success", "nothing planted")).toBeLessThan(0.25);
  expect(measured("attack-success", "another trigger")).toBeLessThan(0.25);
  expect(checks.map((c) => c.status)).toEqual(["passed", "passed", "passed"]);
  expect(charts).toEqual([]);
  expect(notes.join()).toMatch(/the published base is right on/);
});
