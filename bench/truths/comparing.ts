import { compareResults, evaluateGate, type Results, rate } from "#audit";
import { Random } from "#core";
import type { Pair, Truth } from "./truth.ts";

/** How the outcomes of the same samples in two runs come about. */
export interface Shares {
  /** Of samples that are right clean, in both. */
  readonly clean: number;
  /** Of samples that are robust in the old run. */
  readonly robust: number;
  /** By how much less of them are robust in the new one. */
  readonly drop: number;
  /** Of all samples, what chance turns either way besides. */
  readonly churn: number;
}

/** Outcomes of `n` samples in two runs. */
export function twoRuns(
  n: number,
  { clean, robust, drop, churn }: Shares,
  random: Random,
): [string, string] {
  const old: string[] = [];
  const now: string[] = [];
  for (let i = 0; i < n; i++) {
    const u = random.uniform();
    if (u >= clean) {
      old.push("-");
      now.push("-");
      continue;
    }
    // Of all samples so many are lost, and as many are won as chance turns.
    const isRobust = u < robust;
    const turn = random.uniform();
    const isLost = isRobust && turn < (drop + churn) / robust;
    const isWon = !isRobust && turn < churn / (clean - robust);
    old.push(isRobust ? "1" : "0");
    now.push((isRobust && !isLost) || isWon ? "1" : "0");
  }
  return [old.join(""), now.join("")];
}

const candidates = ["one", "other"];
const attacks = ["pgd", "fgsm"];

/**
 * How often two runs of two candidates under two attacks are told apart: seldom where
 * nothing changed, and mostly where a regression of 5 points was planted in all.
 *
 * @param pairs of runs in each world
 */
export const comparison = (pairs: number): Truth => ({
  id: "comparison",
  async measure(seed) {
    const random = new Random(seed);
    return [200, 500, 1000].flatMap((n) =>
      [0.02, 0.05].flatMap((churn): Pair[] => {
        const world = `${n} samples, ${100 * churn} points of churn`;
        const same = called(pairs, n, { drop: 0, churn }, random);
        const lower = called(pairs, n, { drop: 0.05, churn }, random);
        return [
          {
            what: `5 %, against how often anything is called worse or better where nothing changed: ${world}`,
            first: 0.05,
            second: same.worse + same.better,
            least: 0,
          },
          {
            what: `how often a regression of 5 points is called worse, against anything called better: ${world}`,
            first: lower.worse,
            second: lower.better,
            least: 0,
          },
        ];
      }),
    );
  },
});

/** The share of pairs of runs where anything is called worse, and better. */
function called(
  pairs: number,
  n: number,
  change: Pick<Shares, "drop" | "churn">,
  random: Random,
) {
  const shares = { clean: 0.9, robust: 0.5, ...change };
  let [worse, better] = [0, 0];
  for (let k = 0; k < pairs; k++) {
    const outcomes = candidates.flatMap((candidate) =>
      attacks.map((attack) => ({
        candidate,
        attack,
        both: twoRuns(n, shares, random),
      })),
    );
    const [old, now] = ([0, 1] as const).map((at) =>
      runOf(outcomes.map(({ both, ...of }) => ({ ...of, outcomes: both[at] }))),
    );
    const { rows } = compareResults(old!, now!);
    if (rows.some(({ change }) => change === "worse")) worse++;
    else if (rows.some(({ change }) => change === "better")) better++;
  }
  return { worse: worse / pairs, better: better / pairs };
}

interface Outcomes {
  readonly candidate: string;
  readonly attack: string;
  readonly outcomes: string;
}

/** As much of a results document as a comparison looks at. */
function runOf(all: readonly Outcomes[]): Results {
  const n = all[0]!.outcomes.length;
  const any = rate(0, n);
  const threatModel = { id: "linf", norm: "linf", eps: 0.1 };
  const place = { defense: "none", trusted: true, robustAccuracy: any };
  return {
    title: "simulated",
    classes: ["0", "1"],
    candidates: candidates.map((id) => ({ id, cleanAccuracy: any })),
    attacks: attacks.map((id) => ({ id, title: id, params: {} })),
    cells: all.map((one) => ({
      ...place,
      ...one,
      id: `${one.candidate}/none/${one.attack}@linf`,
      threatModel,
      adaptive: true,
      cleanAccuracy: any,
      checks: [],
    })),
    worstCases: candidates.map((candidate) => ({
      ...place,
      candidate,
      threatModel: "linf",
      attacks,
      evaluated: true,
    })),
    defenses: [],
    trials: [],
    trialAttacks: [],
    repairs: [],
    provenance: {
      assay: "",
      engine: "",
      suite: { file: "", hash: "" },
      seed: 0,
      data: { attacked: n, fingerprint: "" },
    },
  } as unknown as Results;
}

const ROWS = 20;
const SAMPLES = 200;
const LIMIT = 0.6;

/**
 * What a gate of 20 independent rows says where all of them are at their limit, where
 * one is and the others are far within, and where one is beyond it.
 *
 * @param gates in each world
 */
export const gateError = (gates: number): Truth => ({
  id: "gate-error",
  async measure(seed) {
    const random = new Random(seed);
    const all = verdicts(gates, () => LIMIT, random);
    const one = verdicts(gates, (i) => (i > 0 ? 0.9 : LIMIT), random);
    const beyond = verdicts(gates, (i) => (i > 0 ? 0.7 : 0.45), random);
    const against = (what: string, second: number): Pair => ({
      what: `5 %, against how often ${what}`,
      first: 0.05,
      second,
      least: 0,
    });
    return [
      against(`20 rows at their limit fail`, all.failed),
      against(`20 rows at their limit pass`, all.passed),
      against(`one row at its limit fails beside 19 within`, one.failed),
      against(`one row at its limit passes beside 19 within`, one.passed),
      {
        what: "how often one row 15 points beyond its limit fails beside 19 within, against how often it passes",
        first: beyond.failed,
        second: beyond.passed,
        least: 0,
      },
    ];
  },
});

/** The share of gates that fail and that pass. */
function verdicts(
  gates: number,
  share: (row: number) => number,
  random: Random,
) {
  let [failed, passed] = [0, 0];
  for (let k = 0; k < gates; k++) {
    const measured = Array.from({ length: ROWS }, (_, i) => {
      let right = 0;
      for (let s = 0; s < SAMPLES; s++)
        if (random.uniform() < share(i)) right++;
      return {
        id: `row ${i}`,
        replica: null,
        cleanAccuracy: rate(right, SAMPLES),
      };
    });
    const nothing = {
      seeds: [],
      defenses: [],
      cells: [],
      worstCases: [],
      threatModels: [],
      attacks: [],
      certificates: [],
      trialAttacks: [],
      repairs: [],
      trials: [],
    };
    const { verdict } = evaluateGate([{ cleanAccuracy: { min: LIMIT } }], {
      ...nothing,
      planned: measured,
      candidates: measured as unknown as Results["candidates"],
    });
    if (verdict === "failed") failed++;
    if (verdict === "passed") passed++;
  }
  return { failed: failed / gates, passed: passed / gates };
}
