import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { suiteSchema } from "#audit";
import type { MissingResult, Results } from "#results";
import { type Found, judged } from "../../../src/audit/judged.ts";
import { candidate, cell, evidence, outcomes } from "../cells.ts";

const rules = (robust: number, success: number, clean: number) => [
  { robustAccuracy: { min: robust } },
  { robustAccuracy: { min: robust, candidate: "many", defense: "none" } },
  { cleanAccuracy: { min: clean } },
  { cleanAccuracyDrop: { max: 1 - clean } },
  { attackSuccess: { max: success } },
  { certifiedAccuracy: { min: robust, radius: 0.25 } },
  { trial: { max: success } },
];

const suiteOf = (gate: ReturnType<typeof rules>) =>
  suiteSchema.parse({
    version: 1,
    title: "by hand",
    data: { source: "digits" },
    classes: ["0", "1"],
    base: {
      classes: ["2", "3"],
      pretrain: { architecture: "mlp", epochs: 1 },
    },
    candidates: {
      full: { strategy: "full" },
      head: { strategy: "head-only" },
      many: { strategy: "full", seeds: 2 },
    },
    defenses: { blur: [{ id: "bit-depth", bits: 2 }] },
    threatModels: {
      "linf-0.1": { norm: "linf", eps: 0.1 },
      "linf-0.2": { norm: "linf", eps: 0.2 },
    },
    attacks: { fgsm: "fgsm", pgd: "pgd", noise: "noise" },
    trials: { "loss-threshold": { attack: "loss-threshold" } },
    gate,
  });

const ids = Object.keys(suiteOf(rules(0.5, 0.5, 0.5)).candidates);

const SAMPLES = 40;

/** Cells, certificates and trials of all candidates, with random numbers. */
const whole = fc
  .record({
    candidates: fc.array(fc.integer({ min: 10, max: 40 }), {
      minLength: ids.length,
      maxLength: ids.length,
    }),
    cells: fc.array(fc.integer({ min: 0, max: SAMPLES }), {
      minLength: 64,
      maxLength: 64,
    }),
    others: fc.array(fc.integer({ min: 0, max: 20 }), {
      minLength: 16,
      maxLength: 16,
    }),
  })
  .map(({ candidates, cells, others }): Found => {
    const rights = new Map(ids.map((id, i) => [id, candidates[i]!]));
    const many = (id: string) => {
      const [, of, index] = id.match(/^(many).*(\d)$/) ?? [];
      return of ? { of, index: Number(index) } : null;
    };
    let next = 0;
    return {
      ...nothing,
      candidates: ids.map((id) => ({
        ...candidate(id, rights.get(id)!, SAMPLES),
        replica: many(id),
      })),
      cells: ids.flatMap((id) =>
        ["none", "blur"].flatMap((defense) =>
          [0.1, 0.2].flatMap((eps) =>
            ["fgsm", "pgd", "noise"].map((attack) => {
              const right = rights.get(id)!;
              const robust = Math.min(right, cells[next++]!);
              const made = cell({
                candidate: id,
                defense,
                attack,
                eps,
                outcomes: outcomes(robust, right - robust, SAMPLES - right),
              });
              const { trusted, checks, reproduce, ...bare } = made;
              const families = {
                fgsm: "single-step",
                noise: "control",
                pgd: "iterative",
              } as const;
              const family = families[attack as "pgd"];
              return { cell: bare, evidence: { ...evidence(made), family } };
            }),
          ),
        ),
      ),
      certificates: ids.map((id, i) => ({
        candidate: id,
        sigma: 0.25,
        n0: 100,
        n: 1000,
        alpha: 0.001,
        outcomes: "",
        radii: Array.from({ length: 20 }, (_, k) =>
          k < others[i]! ? 0.3 : null,
        ),
        accuracy: { value: 1, low: 1, high: 1, n: 20 },
        abstained: { value: 0, low: 0, high: 0, n: 20 },
        curve: [],
        seconds: 0,
      })),
      trials: ids.map((id, i) => ({
        id: `${id}/none/loss-threshold`,
        candidate: id,
        repair: "none",
        trial: "loss-threshold",
        findings: [
          {
            id: "advantage",
            title: "Advantage",
            at: null,
            unit: "share",
            value: others[i + 8]! / 20,
            low: others[i + 8]! / 20,
            high: others[i + 8]! / 20,
            n: 20,
            role: "headline",
            attacker: "up",
          },
        ],
        charts: [],
        pictures: [],
        notes: [],
        trusted: true,
        checks: [],
        reproduce: "",
        seconds: 0,
      })),
    };
  });

const nothing: Found = {
  complete: true,
  classes: ["0", "1"],
  base: null,
  candidates: [],
  warnings: [],
  failures: [],
  missing: [],
  looks: new Map(),
  cells: [],
  heads: { replays: [], together: [] },
  trials: [],
  certificates: [],
  gallery: [],
  epochs: [],
  onSource: [],
  data: {
    source: "digits",
    fingerprint: "1",
    train: 1,
    validation: 1,
    test: SAMPLES,
    attacked: SAMPLES,
  },
  machine: { engine: "none", node: "v0", platform: "none" },
  timing: { startedAt: "", finishedAt: "", seconds: 1 },
};

/** What was found without some of it, and all that goes with it. */
function without(found: Found, isLost: (id: string) => boolean): Found {
  const missing: MissingResult[] = [];
  const keep = <T>(all: readonly T[], about: (one: T) => MissingResult) =>
    all.filter((one) => {
      const lost = about(one);
      const { id, candidate, what } = lost;
      const behind = what !== "candidate" && isLost(`candidate ${candidate}`);
      if (!behind && !isLost(`${what} ${id}`)) return true;
      missing.push(lost);
      return false;
    });
  const because = "model x";
  return {
    ...found,
    candidates: keep(found.candidates, ({ id }) => ({
      ...{ what: "candidate", id, candidate: id, because },
    })),
    cells: keep(found.cells, ({ cell: c }) => ({
      ...{ what: "cell", id: c.id, candidate: c.candidate, because },
      ...{ defense: c.defense, attack: c.attack, adaptive: c.adaptive },
      threatModel: c.threatModel.id,
    })),
    certificates: keep(found.certificates, (c) => ({
      what: "certificate",
      id: `${c.candidate} at sigma 0.25`,
      candidate: c.candidate,
      sigma: c.sigma,
      because,
    })),
    trials: keep(found.trials, ({ id, candidate, trial, repair }) => ({
      ...{ what: "trial", id, candidate, trial, repair, because },
    })),
    missing,
  };
}

const limits = fc
  .record({
    robust: fc.double({ min: 0, max: 0.6, noNaN: true }),
    success: fc.double({ min: 0.3, max: 1, noNaN: true }),
    clean: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ robust, success, clean }) => rules(robust, success, clean));

const gateOf = (
  found: Found,
  gate: ReturnType<typeof rules>,
): Results["gate"] =>
  judged(found, { suite: suiteOf(gate), file: "by-hand.yaml", hash: "0" }).gate;

const rowsOf = ({ rules: all }: Results["gate"]) =>
  new Map(all.map((one) => [`${one.rule}\n${one.subject}`, one.verdict]));

describe("whatever failed", () => {
  const everything = (found: Found): string[] => {
    const all: string[] = [];
    without(found, (id) => {
      all.push(id);
      return false;
    });
    return [...new Set(all)];
  };

  test("the gate passes nothing that would not have passed with it, and forgets no row", () => {
    let passed = 0;
    fc.assert(
      fc.property(
        whole,
        limits,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (found, gate, share, draws) => {
          const lost = new Set(
            everything(found).filter(() => draws.next().value < share / 4),
          );
          const before = rowsOf(gateOf(found, gate));
          const after = rowsOf(
            gateOf(
              without(found, (id) => lost.has(id)),
              gate,
            ),
          );
          expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
          for (const [row, verdict] of after) {
            if (verdict === "passed")
              expect([row, before.get(row)]).toEqual([row, "passed"]);
            if (verdict === "failed")
              expect([row, before.get(row)]).not.toEqual([row, "passed"]);
            if (verdict === "passed") passed++;
          }
        },
      ),
      { numRuns: 40 },
    );
    expect(passed).toBeGreaterThan(100);
  });

  test("a row that fails in a run that ended early fails when all is done", () => {
    let failed = 0;
    fc.assert(
      fc.property(
        whole,
        limits,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (found, gate, share, draws) => {
          const lost = new Set(
            everything(found).filter(() => draws.next().value < share),
          );
          const whole = gateOf(found, gate);
          const before = rowsOf(whole);
          const early = gateOf(
            {
              ...without(found, (id) => lost.has(id)),
              stopped: { by: "fail-fast", reason: "" },
            },
            gate,
          );
          for (const [row, verdict] of rowsOf(early)) {
            if (verdict !== "failed") continue;
            failed++;
            expect([row, before.get(row)]).toEqual([row, "failed"]);
            expect(whole.verdict).toBe("failed");
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(failed).toBeGreaterThan(100);
  });
});
