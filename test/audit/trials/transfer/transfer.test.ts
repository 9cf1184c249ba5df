import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { attacks } from "#attacks";
import { loadSuite, type Results, runAudit } from "#audit";
import type { Chosen } from "#core";
import { saveModel } from "#model";
import { renderHtml, renderMarkdown } from "#reports";
import { transfers } from "../../../../src/audit/judging/transfer.ts";
import { checkReferences } from "../../../../src/audit/plan/references.ts";
import { gini } from "../../../../src/audit/trials/transfer/fingerprint.ts";
import { put, temporaryFolder } from "../../../folder.ts";
import { untrained } from "../../../reference.ts";
import { candidate, cell, outcomes } from "../../cells.ts";

const chosen = (id: string, params: Record<string, unknown> = {}) => {
  const unit = attacks.find((a) => a.id === id) as (typeof attacks)[number];
  return { unit, params: unit.params.parse(params) } as Chosen<typeof unit>;
};
const kin = (size: number, relation: "same" | "moved" | "new") => ({
  group: `${relation}${size}`,
  size,
  relation,
  distance: 0,
  cosine: 1,
});

describe("the transfer of attacks, from cells", () => {
  const suite = {
    public: chosen("base-pgd"),
    longer: chosen("base-pgd", { steps: 50 }),
    control: chosen("base-pgd", { surrogate: "unrelated" }),
    noise: chosen("noise"),
    pgd: chosen("pgd"),
  };
  const frozen = {
    ...candidate("frozen", 9, 10),
    kinship: [kin(10, "same"), kin(20, "same"), kin(10, "new")],
  };
  const full = {
    ...candidate("full", 9, 10),
    kinship: [kin(30, "moved"), kin(10, "new")],
  };
  const transfer = transfers(
    [
      cell({
        candidate: "frozen",
        attack: "public",
        outcomes: outcomes(2, 7, 1),
      }),
      cell({
        candidate: "frozen",
        trusted: false,
        attack: "control",
        outcomes: outcomes(8, 1, 1),
      }),
      cell({
        candidate: "frozen",
        attack: "noise",
        outcomes: outcomes(9, 0, 1),
      }),
      cell({
        candidate: "full",
        attack: "public",
        outcomes: outcomes(8, 1, 1),
      }),
      cell({
        candidate: "full",
        attack: "longer",
        outcomes: outcomes(7, 2, 1),
      }),
      cell({ candidate: "full", attack: "pgd", outcomes: outcomes(0, 9, 1) }),
      cell({
        candidate: "full",
        defense: "blur",
        attack: "public",
        outcomes: outcomes(9, 0, 1),
      }),
    ],
    [frozen, full],
    suite,
  );

  test("a line for each attack through the base, by what candidates share, with its controls", () => {
    expect(transfer.map((t) => [t.attack, t.controls])).toEqual([
      ["public", { unrelated: "control", noise: "noise" }],
      ["longer", { unrelated: null, noise: "noise" }],
    ]);
    expect(
      transfer[0]?.points.map((p) => [p.candidate, p.sharedWeights]),
    ).toEqual([
      ["full", 0],
      ["frozen", 0.75],
    ]);
    expect(transfer[0]?.points[1]?.sharedGroups).toBeCloseTo(2 / 3);
    expect(transfer[0]?.points[0]).toMatchObject({
      success: { value: 1 / 9, n: 9 },
      unrelated: null,
      overNoise: null,
    });
  });

  test("the excess over a control is paired, on the samples that were right", () => {
    const { overUnrelated, overNoise } = transfer[0]?.points[1] ?? {};
    expect(overUnrelated).toMatchObject({ only: 6, missed: 0 });
    expect(overUnrelated?.difference).toBeCloseTo(6 / 9);
    expect(overUnrelated?.pValue).toBeCloseTo(2 / 2 ** 6);
    expect(overUnrelated?.low).toBeGreaterThan(0);
    expect(overNoise?.only).toBe(7);
    // Neither is believed where the control is not.
    expect(transfer[0]?.points.map((p) => p.trusted)).toEqual([true, false]);
  });

  test("what has no result is named, of the attack and of its controls", () => {
    const lost = (candidate: string, attack: string, defense = "none") => ({
      ...{ what: "cell" as const, id: `${candidate}/${defense}/${attack}` },
      ...{ candidate, attack, defense, threatModel: "linf-0.1" },
      because: null,
    });
    const [found] = transfers(
      [cell({ candidate: "full", attack: "public", outcomes: "10" })],
      [full],
      suite,
      [lost("frozen", "public"), lost("full", "noise"), lost("full", "pgd")],
    );
    expect(found?.missing).toEqual(["frozen/none/public", "full/none/noise"]);
  });

  test("nothing without an attack through the base", () => {
    const { pgd, noise } = suite;
    expect(transfers([], [full], { pgd, noise })).toEqual([]);
  });
});

const folder = temporaryFolder();
const write = (text: string): string => {
  const path = join(mkdtempSync(join(folder, "s-")), "suite.yaml");
  writeFileSync(path, text);
  return path;
};

describe("on digits", () => {
  let results: Results;
  const of = (attack: string) =>
    results.transfer?.find((t) => t.attack === attack)?.points ?? [];

  beforeAll(async () => {
    const suite = write(`
version: 1
title: transfer
seed: 5
data: { source: digits }
classes: ["5", "6", "7", "8", "9"]
samples: 120
base:
  classes: ["0", "1", "2", "3", "4"]
  pretrain: { architecture: small-cnn, epochs: 8, learningRate: 3e-3 }
candidates:
  frozen: { strategy: head-only, epochs: 8, learningRate: 1e-2 }
  full: { strategy: full, epochs: 8, learningRate: 3e-3 }
threatModels:
  linf: { norm: linf, eps: 0.2 }
attacks:
  public: { id: base-pgd, steps: 10, relStepSize: 0.2 }
  public-unrelated: { id: base-pgd, steps: 10, relStepSize: 0.2, surrogate: unrelated }
  features: { id: feature-pgd, steps: 10, relStepSize: 0.2 }
  features-unrelated: { id: feature-pgd, steps: 10, relStepSize: 0.2, surrogate: unrelated }
  mimic: { id: mimic, steps: 10 }
  mimic-unrelated: { id: mimic, steps: 10, surrogate: unrelated }
  noise: { id: noise, draws: 1 }
trials:
  activation: { attack: { id: head-agnostic, steps: 20 } }
  fingerprint: { attack: { id: fingerprint, steps: 150, learningRate: 20, inputs: 8 } }
`);
    results = await runAudit({ suite, out: mkdtempSync(join(folder, "out-")) });
  });

  test.each(["public", "features", "mimic"])(
    "%s carries over best to a frozen body, and further than its controls",
    (attack) => {
      const [full, frozen] = of(attack);
      expect([full?.candidate, frozen?.candidate]).toEqual(["full", "frozen"]);
      expect(full?.sharedWeights).toBe(0);
      expect(frozen?.sharedWeights).toBeGreaterThan(0.9);
      expect(frozen?.success.value).toBeGreaterThan(full?.success.value ?? 1);
      // Noise and an unrelated model do less, and by more than luck.
      expect(frozen?.overUnrelated?.low).toBeGreaterThan(0);
      expect(frozen?.overNoise?.low).toBeGreaterThan(0);
    },
  );

  const finding = (trial: string, id: string, at: string | null = null) =>
    results.trials
      .find((t) => t.id === trial)
      ?.findings.find((f) => f.id === id && f.at === at)?.value ?? Number.NaN;

  test("a frozen body has the fingerprint of its base, by its answers and by its weights", () => {
    const wrong = "unrelated base";
    const frozen = (id: string, at?: string) =>
      finding("frozen/none/fingerprint", id, at);
    expect(frozen("identified")).toBeGreaterThan(0.5);
    expect(frozen("gini")).toBeLessThan(frozen("gini", wrong));
    expect(frozen("gini")).toBeLessThan(
      finding("full/none/fingerprint", "gini"),
    );
    expect(frozen("by-weights")).toBe(0.75);
    expect(frozen("by-weights", wrong)).toBe(0);
  });

  test("neurons of the base lead further into a frozen body than random images", () => {
    const sure = (at: string | null) =>
      finding("frozen/none/activation", "effectiveness-95", at);
    expect(sure(null)).toBeGreaterThan(sure("random"));
    const chart = results.trials[0]?.charts[0];
    expect(chart?.lines.map((l) => l.points.length)).toEqual([64, 64, 64]);
  });

  test("the unrelated model is about as good as the base, and not the base", () => {
    const { base, unrelated } = results;
    expect(unrelated?.hash).not.toBe(base?.hash);
    expect(unrelated?.parameters).toBe(base?.parameters);
    const [one, other] = [base, unrelated].map(
      (m) => m?.cleanAccuracy?.value ?? 0,
    );
    expect(Math.abs((one as number) - (other as number))).toBeLessThan(0.05);
  });

  test("reports show it", async () => {
    const page = await renderHtml(results);
    expect(page).toContain("Through the base");
    expect(page).toContain("share of the weights that are the base&#x27;s");
    expect(page).toContain("Owed to the base");
    expect(renderMarkdown(results)).toContain(
      "| attack | threat model | candidate |",
    );
  });
});

test("the Gini coefficient is 0 of even shares and 1 - 1 / n where one has all", () => {
  expect(gini([0.25, 0.25, 0.25, 0.25])).toBeCloseTo(0, 12);
  expect(gini([0, 1, 0, 0, 0])).toBeCloseTo(0.8, 12);
  // Half the mean difference of two over the mean: (0.2 + 0.4 + 0.6) * 2 /
  // 9 / 2 / (1 / 3).
  expect(gini([0.6, 0, 0.4])).toBeCloseTo(0.4, 12);
});

test("base and unrelated model may be files, and each gives its own examples", async () => {
  const out = mkdtempSync(join(folder, "given-"));
  for (const [name, seed] of [
    ["base", 1],
    ["other", 2],
  ] as const)
    saveModel(join(out, `${name}.onnx`), untrained(["a", "b"], seed));
  const suite = put(
    out,
    "suite.yaml",
    `
version: 1
title: given
data: { source: digits }
classes: ["0", "1"]
samples: 20
base: { model: base.onnx, classes: [a, b] }
unrelated: { model: other.onnx, classes: [a, b] }
candidates: { frozen: { strategy: head-only, epochs: 1 } }
threatModels: { linf: { norm: linf, eps: 0.3 } }
attacks:
  through: { id: base-pgd, steps: 2 }
  control: { id: base-pgd, steps: 2, surrogate: unrelated }
`,
  );
  const { transfer, unrelated, cells } = await runAudit({ suite, out });
  expect(unrelated).toMatchObject({ file: "other.onnx", cleanAccuracy: null });
  expect(transfer?.[0]?.controls.unrelated).toBe("control");
  expect(cells.map((c) => c.queries.base)).toEqual([60, 60]);
  expect(readdirSync(join(out, "examples")).length).toBe(4);
});

test.each([
  "attacks: { control: { id: base-pgd, surrogate: unrelated } }",
  "trials: { control: { attack: fingerprint } }",
])("an unrelated model that nobody can make is refused: %s", async (asked) => {
  const { suite } = await loadSuite(
    write(`
version: 1
title: given
data: { source: digits }
base: { model: base.onnx }
candidates: { full: { strategy: full } }
threatModels: { linf: { norm: linf, eps: 0.2 } }
${asked}
`),
  );
  expect(() => checkReferences(suite, "suite.yaml")).toThrow(
    /control: (base-pgd|fingerprint) needs a model that does not descend from the base/,
  );
});
