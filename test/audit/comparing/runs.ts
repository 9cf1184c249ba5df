import { type Cell, RESULTS_VERSION, type Results } from "#results";
import { worstCases } from "../../../src/audit/judging/worst-case.ts";
import { candidate } from "../cells.ts";

export { twoRuns } from "../../../bench/truths/comparing.ts";

/** Fingerprints of so many samples. */
export const fingerprints = (n: number, from = 0): string =>
  Array.from({ length: n }, (_, i) =>
    (from + i).toString(16).padStart(12, "0"),
  ).join(" ");

/** A run with these cells. */
export function runOf(
  cells: readonly Cell[],
  changes: Partial<Results> = {},
): Results {
  const n = cells[0]?.outcomes.length ?? 0;
  const distinct = <T>(values: T[]) => [...new Set(values)];
  const names = distinct(cells.map((c) => c.candidate));
  const attack = { title: "PGD", reference: "", params: { steps: 40 } };
  return {
    schemaVersion: RESULTS_VERSION,
    title: "by hand",
    complete: true,
    classes: ["0", "1"],
    samples: [{ task: "main", fingerprints: fingerprints(n) }],
    threatModels: distinct(cells.map((c) => c.threatModel.id)).map((id) => ({
      id,
      norm: "linf",
      eps: 0.1,
      steps: null,
      restarts: null,
      queries: null,
    })),
    base: null,
    candidates: names.map((id) => candidate(id, 9, 10)),
    defenses: distinct(cells.map((c) => c.defense)).map((id) => ({
      id,
      parts: [],
    })),
    attacks: distinct(cells.map((c) => c.attack)).map((id) => ({
      ...attack,
      id,
      access: "gradient",
      family: "iterative",
      taxonomy: { atlas: [], owasp: [], nist: [] },
    })),
    cells: [...cells],
    worstCases: worstCases(cells, names, new Map()),
    seeds: [],
    curves: [],
    trialAttacks: [],
    repairs: [],
    trials: [],
    certificates: [],
    gallery: [],
    gate: { verdict: "none", rules: [] },
    provenance: {
      assay: "0.1.0",
      suite: { file: "suite.yaml", hash: "0" },
      data: {
        source: "digits",
        fingerprint: "1",
        train: 1,
        validation: 1,
        test: n,
        attacked: n,
      },
      seed: 0,
      engine: "none",
      node: "v0",
      platform: "none",
    },
    timing: { startedAt: "", finishedAt: "", seconds: 1 },
    ...changes,
  };
}
