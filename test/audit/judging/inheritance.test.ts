import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runAudit } from "#audit";
import { saveModel } from "#model";
import { renderHtml, renderMarkdown } from "#reports";
import { resultsSchema } from "#results";
import { inheritance } from "../../../src/audit/judging/inheritance.ts";
import { worstCases } from "../../../src/audit/judging/worst-case.ts";
import type { CandidateResult } from "../../../src/audit/results/candidates.ts";
import type { Cell } from "../../../src/audit/results/cells.ts";
import { mcnemar } from "../../../src/audit/statistics/index.ts";
import { put, temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";
import { candidate, cell, outcomes } from "../cells.ts";

const folder = temporaryFolder();

const base = { hash: "base" };
const model = (id: string, change: Partial<CandidateResult> = {}) => ({
  ...candidate(id, 9, 10),
  ...change,
});
const asIs = model("as-is", { hash: "base" });
const kin = (...relations: ("same" | "moved" | "new")[]) =>
  relations.map((relation, i) => ({
    group: `g${i}`,
    size: 1,
    relation,
    distance: null,
    cosine: null,
  }));

const inherited = (
  cells: readonly Cell[],
  candidates: readonly CandidateResult[],
) =>
  inheritance(
    cells,
    worstCases(
      cells,
      candidates.map((c) => c.id),
      new Map(),
    ),
    candidates,
    base,
  );

describe("inheritance", () => {
  test("counts each sample once, for each attack and for all at once", () => {
    const cells = [
      cell({ candidate: "as-is", outcomes: "1111000-" }),
      cell({ candidate: "full", outcomes: "1100100-" }),
      cell({ candidate: "as-is", attack: "fgsm", outcomes: "1111110-" }),
      cell({ candidate: "full", attack: "fgsm", outcomes: "1010111-" }),
    ];
    const found = inherited(cells, [asIs, model("full")]);
    expect(found.map((f) => f.attack)).toEqual([null, "pgd", "fgsm"]);
    expect(found[0]).toMatchObject({
      candidate: "full",
      reference: "as-is",
      referenceIs: "base",
      inherited: 1,
      lost: 3,
      gained: 1,
      neither: 3,
      pValue: mcnemar(1, 3),
      trusted: true,
    });
    expect(found[0]?.retained?.value).toBe(2 / 4);
    expect(found[1]).toMatchObject({ inherited: 2, lost: 2, gained: 1 });
    expect(found[2]).toMatchObject({ inherited: 4, lost: 2, gained: 1 });
  });

  test("what equals its base inherits everything", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("1", "0", "-"), minLength: 1 }),
        (same) => {
          const cells = [
            cell({ candidate: "as-is", outcomes: same }),
            cell({ candidate: "copy", outcomes: same }),
          ];
          const robust = same.replaceAll(/[^1]/g, "").length;
          for (const row of inherited(cells, [asIs, model("copy")])) {
            expect(row).toMatchObject({
              inherited: robust,
              lost: 0,
              gained: 0,
              neither: same.length - robust,
              pValue: 1,
              retained: robust > 0 ? { value: 1 } : null,
            });
            if (!row.retained) continue;
            // So few samples do not prove that nothing is ever lost or gained.
            expect(row.retained.low).toBeLessThan(1);
            expect(row.retained.high).toBeGreaterThan(1);
          }
        },
      ),
    );
  });

  test("the reference is the base, or its body behind a new head, of the same task and seed", () => {
    const head = (id: string, change: Partial<CandidateResult> = {}) =>
      model(id, { kinship: kin("same", "same", "new"), ...change });
    const full = model("full", { kinship: kin("moved", "same", "new") });
    const referenceOf = (...candidates: CandidateResult[]) =>
      inherited(
        candidates.map((c) => cell({ candidate: c.id, outcomes: "10" })),
        candidates,
      ).map((f) => [f.candidate, f.reference, f.referenceIs].join(" "))[0];
    const body = "base with a new head";
    expect(referenceOf(full)).toBeUndefined();
    expect(referenceOf(full, head("head"))).toBe(`full head ${body}`);
    expect(referenceOf(full, head("head"), asIs)).toBe("full as-is base");
    // Of other weights altogether, and given: it has nothing to inherit.
    const stranger = model("stranger", {
      kinship: kin("moved", "new").map((k) => ({ ...k, cosine: 0.02 })),
    });
    expect(referenceOf(stranger, asIs)).toBeUndefined();
    // A head that was trained again, where the task has as many classes as the base's.
    const again = model("again", { kinship: kin("same", "same", "moved") });
    expect(referenceOf(full, again)).toBe(`full again ${body}`);
    const training = { id: "x", title: "", reference: "", params: {} };
    expect(referenceOf(full, head("robust", { training }), head("plain"))).toBe(
      `full plain ${body}`,
    );
    const seed = (of: string, index: number) => ({ replica: { of, index } });
    expect(
      referenceOf(
        { ...full, ...seed("full", 2) },
        head("head.1", seed("head", 1)),
        head("head.2", seed("head", 2)),
      ),
    ).toBe(`full head.2 ${body}`);
    const member = {
      of: "multi",
      task: "other",
      tasks: ["other"],
      weighting: null,
      classes: [],
      broken: "",
      chance: 0.5,
    };
    expect(referenceOf(full, head("multi.other", { member }))).toBeUndefined();
  });

  test("is trusted only where the numbers of both are", () => {
    const cells = [
      cell({ candidate: "as-is", trusted: false, outcomes: "10" }),
      cell({ candidate: "full", outcomes: "10" }),
    ];
    expect(inherited(cells, [asIs, model("full")])).toMatchObject([
      { trusted: false },
      { trusted: false },
    ]);
  });
});

test("a base that is audited as it is: its copy inherits everything, what is tuned from it what it keeps", async () => {
  saveModel(join(folder, "base.onnx"), await reference());
  const suite = put(
    folder,
    "suite.yaml",
    `version: 1
title: inheritance
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 40
base: { model: base.onnx, classes: ["0", "1", "2", "3", "4"] }
candidates:
  tuned: { strategy: full, epochs: 1, learningRate: 0.01 }
  as-is: { model: base }
  copy: { model: base.onnx }
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks: { fgsm: fgsm, pgd: { id: pgd, steps: 3, relStepSize: 0.4 } }
`,
  );
  const results = await runAudit({ suite, out: join(folder, "out") });
  expect(() => resultsSchema.parse(results)).not.toThrow();
  const rows = results.inheritance ?? [];
  expect(rows.map((r) => [r.candidate, r.attack])).toEqual(
    ["tuned", "copy"].flatMap((c) => [
      [c, null],
      [c, "fgsm"],
      [c, "pgd"],
    ]),
  );
  for (const row of rows.filter((r) => r.candidate === "copy"))
    expect(row).toMatchObject({
      reference: "as-is",
      lost: 0,
      gained: 0,
      pValue: 1,
      retained: { value: 1 },
    });
  const all = rows[0];
  const worst = (id: string) =>
    results.worstCases.find((w) => w.candidate === id)?.robustAccuracy.value;
  expect(all?.retained?.value).toBeCloseTo(
    (worst("tuned") as number) / (worst("as-is") as number),
    12,
  );
  expect((all?.inherited ?? 0) + (all?.lost ?? 0)).toBe(
    Math.round(40 * (worst("as-is") as number)),
  );
  const page = await renderHtml(results);
  expect(page).toContain("Robustness inherited from the base");
  expect(page).toContain(`${all?.lost} lost`);
  expect(renderMarkdown(results)).toContain("Robustness beside as-is");
});

test("the base as it is needs a base, whose classes are the task's", async () => {
  const run = (text: string) => {
    const suite = put(
      folder,
      "refused.yaml",
      `version: 1
title: refused
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
candidates: { as-is: { model: base${text.startsWith(",") ? text : ""} } }
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks: { fgsm: fgsm }
${text.startsWith(",") ? "" : text}`,
    );
    return runAudit({ suite, out: join(folder, "refused") });
  };
  await expect(run("")).rejects.toThrow(
    /is the base as it is, the suite names none/,
  );
  await expect(run(", input: { scale: 2 }")).rejects.toThrow(
    /audited as it is/,
  );
  saveModel(join(folder, "base.onnx"), await reference());
  await expect(
    run('base: { model: base.onnx, classes: ["a", "b", "c", "d", "e"] }'),
  ).rejects.toThrow(/keeps the head of the base/);
});

test("a base can be pre-trained with a proactive defence, which the document names", async () => {
  const run = async (training: string) => {
    const suite = put(
      folder,
      "robust.yaml",
      `version: 1
title: robust base
data: { source: digits }
classes: ["0", "1"]
samples: 10
shift: [invert]
base: { pretrain: { architecture: small-cnn, epochs: 1${training} } }
candidates: { as-is: { model: base } }
threatModels: { small: { norm: linf, eps: 0.1 } }
attacks: { fgsm: fgsm }
`,
    );
    return (await runAudit({ suite, out: join(folder, "robust") })).base;
  };
  const plain = await run("");
  const robust = await run(", training: { id: pgd-at, eps: 0.1, steps: 2 }");
  expect(plain?.training).toBeUndefined();
  expect(robust?.training?.map((t) => t.id)).toEqual(["pgd-at"]);
  expect(robust?.hash).not.toBe(plain?.hash);
});

test("outcomes of as many samples are needed", () => {
  const cells = [
    cell({ candidate: "as-is", outcomes: outcomes(3, 2) }),
    cell({ candidate: "full", outcomes: outcomes(3, 3) }),
  ];
  expect(() => inheritance(cells, [], [asIs, model("full")], base)).toThrow(
    expect.objectContaining({ code: "CELLS_UNPAIRED" }),
  );
});
