import type { CandidateResult } from "../../src/audit/results/candidates.ts";
import type { Cell } from "../../src/audit/results/cells.ts";
import type { Check, Norm } from "../../src/audit/results/values.ts";
import { rate } from "../../src/audit/statistics/intervals.ts";
import type { Evidence } from "../../src/audit/trust/check.ts";

interface Given {
  candidate?: string;
  defense?: string;
  attack?: string;
  threatModel?: string;
  norm?: Norm;
  eps?: number;
  adaptive?: boolean;
  trusted?: boolean;
  checks?: Check[];
  noGradient?: string;
  outcomes: string;
}

/** A cell with the rates that follow from its outcomes. */
export function cell(given: Given): Cell {
  const { outcomes, norm = "linf", eps = 0.1 } = given;
  const robust = outcomes.replaceAll(/[^1]/g, "").length;
  const correct = outcomes.replaceAll("-", "").length;
  const { candidate = "full", defense = "none", attack = "pgd" } = given;
  const threatModel = given.threatModel ?? `${norm}-${eps}`;
  return {
    id: `${candidate}/${defense}/${attack}@${threatModel}`,
    candidate,
    defense,
    attack,
    threatModel: {
      id: threatModel,
      norm,
      eps,
      access: "gradient",
      steps: null,
      restarts: null,
      queries: null,
    },
    adaptive: given.adaptive ?? true,
    cleanAccuracy: rate(correct, outcomes.length),
    robustAccuracy: rate(robust, outcomes.length),
    attackSuccess: correct > 0 ? rate(correct - robust, correct) : null,
    noGradient: given.noGradient,
    queries: { forward: 0, gradient: 0, base: 0 },
    trusted: given.trusted ?? true,
    checks: given.checks ?? [],
    outcomes,
    queriesToBreak: [],
    breakdown: [],
    reproduce: "",
    seconds: 0,
  };
}

/** What trust checks look at in such a cell, of an attack that did as it should. */
export const evidence = ({
  candidate,
  defense,
  attack,
  adaptive,
  threatModel: { access, norm, eps },
  outcomes,
}: Cell): Evidence => ({
  candidate,
  defense,
  attack,
  access,
  adaptive,
  norm,
  eps,
  family: "iterative",
  boundsWidth: 1,
  chance: 0.1,
  outcomes,
  maxDistance: eps,
  outOfBounds: 0,
  nonFinite: 0,
  faults: [],
  guesswork: {
    samples: 100,
    right: 90,
    constant: 10,
    oneAnswer: false,
    pValue: 0,
    least: 0,
  },
  notes: [],
  noGradient: null,
  zeroGradientShare: 0,
  cleanMismatch: 0,
  model: { probabilities: false, changed: 0, apart: 0, sensitivity: 0.01 },
  draws: 1,
  searches: false,
  named: true,
  probes: null,
});

/** A candidate with so many correct of so many samples. */
export function candidate(
  id: string,
  correct: number,
  n: number,
): CandidateResult {
  return {
    id,
    replica: null,
    adaptation: null,
    sourceAccuracy: null,
    origin: "given",
    strategy: null,
    training: null,
    lineage: null,
    kinship: null,
    file: `${id}.onnx`,
    hash: "",
    parameters: 1,
    trainableParameters: null,
    cleanAccuracy: rate(correct, n),
    history: [],
    ended: null,
  };
}

/** So many of each outcome, in this order: robust, broken, wrong. */
export function outcomes(robust: number, broken: number, wrong = 0): string {
  return "1".repeat(robust) + "0".repeat(broken) + "-".repeat(wrong);
}
