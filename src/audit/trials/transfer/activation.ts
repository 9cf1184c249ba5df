import type { Crafting } from "#attacks";
import { compile } from "#model";
import type { Chart, Finding } from "../../results/index.ts";
import {
  numberFinding,
  type Outcome,
  type Protocol,
  shareFinding,
  type TrialInput,
} from "../trial.ts";
import { answersTo, craftAll, sources } from "./crafted.ts";

/**
 * The confidence from which on an input counts as one that reaches a class
 * (Rezaei and Liu 2020).
 */
const SURE = 0.99;

const RATHER = 0.95;

/**
 * What an attacker reaches of a candidate's classes with inputs that were
 * crafted without it.
 */
interface Reached {
  readonly at: string | undefined;
  readonly inputs: number;
  /** Inputs above a confidence. */
  above(confidence: number): number;
  /** Share of the classes that were reached after each attempt. */
  readonly shares: readonly number[];
  readonly classes: number;
}

/**
 * Shows crafted inputs to the candidate, one after the other: how many of them it
 * is sure of, how many of its classes they reach, and after how many attempts all
 * of them (NABAC).
 */
export const activation: Protocol<Crafting> = { kind: "activation", run };

async function run(input: TrialInput<Crafting>): Promise<Outcome> {
  const crafted = await craftAll(input);
  const candidate = await compile(input.victim.model, input.engine);
  const all: Reached[] = [];
  try {
    for (const [source, at] of sources)
      all.push(reached(await answersTo(candidate, crafted[source]), at));
  } finally {
    await candidate.release();
  }
  const [own, unrelated, noise] = all as [Reached, Reached, Reached];
  const controls = Math.max(unrelated.above(SURE), noise.above(SURE));
  return {
    findings: all.flatMap(findingsOf),
    charts: [chartOf(all)],
    pictures: [],
    notes: [],
    checks: [
      {
        id: "beats-controls",
        title: "The base leads further than its controls",
        status: own.above(SURE) > controls ? "passed" : "warned",
        message: `${own.above(SURE)} of ${own.inputs} inputs reach a class; of those crafted on an unrelated model ${unrelated.above(SURE)}, of random images ${noise.above(SURE)}.`,
      },
    ],
  };
}

function reached(
  answers: readonly (readonly number[])[],
  at: string | undefined,
): Reached {
  const classes = answers[0]?.length ?? 0;
  const confidences = answers.map((row) => Math.max(...row));
  const found = new Set<number>();
  return {
    at,
    inputs: answers.length,
    above: (confidence) => confidences.filter((c) => c > confidence).length,
    shares: answers.map((row, i) => {
      const sure = confidences[i]!;
      if (sure > SURE) found.add(row.indexOf(sure));
      return found.size / classes;
    }),
    classes,
  };
}

function findingsOf({
  at,
  inputs,
  above,
  shares,
  classes,
}: Reached): Finding[] {
  const role = at === undefined ? "detail" : "control";
  const attempts = shares.indexOf(1) + 1;
  return [
    shareFinding(
      {
        id: "effectiveness-99",
        title: "Inputs that it is more than 99 % sure of",
        at,
        role: at === undefined ? "headline" : "control",
        attacker: "up",
      },
      above(SURE),
      inputs,
    ),
    shareFinding(
      {
        id: "effectiveness-95",
        title: "Inputs that it is more than 95 % sure of",
        at,
        role,
        attacker: "up",
      },
      above(RATHER),
      inputs,
    ),
    numberFinding(
      {
        id: "classes-reached",
        title: `Classes reached, of ${classes}`,
        at,
        role,
        attacker: "up",
      },
      Math.round(classes * (shares.at(-1) ?? 0)),
      { n: inputs },
    ),
    numberFinding(
      {
        id: "attempts",
        title: "Attempts until all classes were reached",
        at,
        role,
        attacker: "down",
      },
      attempts > 0 ? attempts : null,
      { n: inputs },
    ),
  ];
}

const chartOf = (all: readonly Reached[]): Chart => ({
  id: "classes-reached",
  title: "Classes reached against attempts",
  x: { label: "attempts", scale: "linear" },
  y: { label: "share of the classes", scale: "share" },
  lines: all.map(({ at = "base", shares }) => ({
    name: at,
    points: shares.map((y, i) => ({ x: i + 1, y, low: null, high: null })),
  })),
});
