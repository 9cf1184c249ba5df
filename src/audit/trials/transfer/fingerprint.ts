import type { Crafting } from "#attacks";
import { compile, kinshipOf, type Model } from "#model";
import type { Finding } from "../../results/index.ts";
import {
  numberFinding,
  type Outcome,
  type Protocol,
  shareFinding,
  type TrialInput,
} from "../trial.ts";
import { answersTo, craftAll, sources } from "./crafted.ts";

/** Below this the answers are even, and the base is taken for the candidate's. */
const EVEN = 0.1;

/**
 * Cosine from which on weights descend from others; independent ones are
 * at right angles.
 */
const KIN = 0.5;

/**
 * Which of two bases a candidate was tuned from: by how even its answers are to
 * inputs whose features in a base are nothing (Gini coefficient of the
 * probabilities), and by the weights themselves. The second base is one that it
 * does not descend from.
 */
export const fingerprint: Protocol<Crafting> = { kind: "fingerprint", run };

async function run(input: TrialInput<Crafting>): Promise<Outcome> {
  const crafted = await craftAll(input);
  const { victim, unrelated } = input;
  const candidate = await compile(victim.model, input.engine);
  const findings: Finding[] = [];
  const even: number[] = [];
  try {
    for (const [source, at] of sources) {
      const answers = await answersTo(candidate, crafted[source]);
      const coefficients = answers.map(gini);
      even.push(coefficients.filter((g) => g < EVEN).length);
      findings.push(
        ...findingsOf(coefficients, at),
        ...(source === "noise"
          ? []
          : [
              byWeights(
                { base: victim.base, unrelated }[source],
                victim.model,
                at,
              ),
            ]),
      );
    }
  } finally {
    await candidate.release();
  }
  const [right = 0, wrong = 0] = even;
  return {
    findings,
    charts: [],
    pictures: [],
    notes: [],
    checks: [
      {
        id: "wrong-base-told-apart",
        title: "The wrong base is told apart",
        status: wrong === 0 ? "passed" : wrong < right ? "warned" : "failed",
        message: `The answers are even to ${right} inputs of the base and to ${wrong} of one that it does not descend from${wrong > 0 ? ": an even answer alone does not tell the base; compare the coefficients, or the weights" : ""}.`,
      },
    ],
  };
}

function findingsOf(
  coefficients: readonly number[],
  at: string | undefined,
): Finding[] {
  const n = coefficients.length;
  const control = at === undefined ? null : ("control" as const);
  return [
    shareFinding(
      {
        id: "identified",
        title: "Inputs that identify the base",
        at,
        role: control ?? "headline",
        attacker: "up",
      },
      coefficients.filter((g) => g < EVEN).length,
      n,
    ),
    numberFinding(
      {
        id: "gini",
        title: "Mean Gini coefficient of the answers",
        at,
        role: control ?? "detail",
        attacker: "down",
      },
      coefficients.reduce((sum, g) => sum + g, 0) / n,
      { n },
    ),
  ];
}

/** The layer groups whose weights point the way of a base's. */
function byWeights(
  base: Model | null,
  candidate: Model,
  at: string | undefined,
): Finding {
  const kin = base ? kinshipOf(base, candidate) : [];
  const close = kin.filter((k) => (k.cosine ?? 0) > KIN);
  return {
    ...shareFinding(
      {
        id: "by-weights",
        title: "Layer groups that descend from it by their weights",
        at,
        role: at === undefined ? "detail" : "control",
        attacker: "up",
      },
      close.length,
      kin.length,
    ),
    // Layers are no sample of anything.
    low: null,
    high: null,
  };
}

/**
 * How uneven shares are: 0 where all are alike, near 1 where one has all (half the mean
 * difference of two over their mean).
 */
export function gini(shares: readonly number[]): number {
  const n = shares.length;
  const total = shares.reduce((sum, v) => sum + v, 0);
  const sorted = [...shares].sort((a, b) => a - b);
  const weighted = sorted.reduce((sum, v, i) => sum + (i + 1) * v, 0);
  return (2 * weighted) / (n * total) - (n + 1) / n;
}
