import { surrogateOf } from "#attacks";
import { hashOf, Random } from "#core";
import { decisions as classesOf } from "../models/index.ts";
import type { PlannedDecision } from "../plan/index.ts";
import {
  countOf,
  outcomesOf,
  type Rate,
  robustInEach,
} from "../results/index.ts";
import {
  anytimeInterval,
  anytimeRate,
  evidenceAgainst,
  rate,
} from "../statistics/index.ts";
import type { Phase, Work, Yields } from "../works/index.ts";
import { yields } from "../works/index.ts";
import {
  type Bench,
  type BenchOf,
  openFor,
  type Subject,
  subjectOf,
  tidy,
} from "./bench.ts";
import { scoreCell } from "./cell.ts";
import { craftKey } from "./craft.ts";
import { gather } from "./evidence.ts";
import { describeFits } from "./fit.ts";
import { examplesOn, joined, type Made, partOfBench } from "./in-parts.ts";
import { cleanAnswers } from "./seen.ts";
import { titleOf } from "./surrogate.ts";
import {
  aboutCell,
  type CellMaker,
  type ComputedCell,
  stepsOf,
} from "./works.ts";

/** Into how many batches samples are divided; it may stop after each. */
const BATCHES = 20;

/**
 * Of what a decision does. It is counted up when that changes, so that no record of an
 * earlier build is taken for one of this.
 */
const FORM = 3;

/** The chance that a row of the gate is decided wrongly; `ERROR` of the gate. */
const TAIL = 0.025;

/** What came of samples that were attacked one after the other. */
export interface FoundDecision
  extends Pick<PlannedDecision, "candidate" | "defense" | "threatModel"> {
  readonly limits: readonly number[];
  /** Which of the attacked samples of the run, in their order. */
  readonly order: readonly number[];
  /** How many there are. */
  readonly of: number;
  readonly isDecided: boolean;
  /** Of all of them, as no attack bears on it. */
  readonly cleanAccuracy: Rate;
  /** Which of them are right. */
  readonly clean: string;
  /** Of those that were attacked. */
  readonly cells: readonly ComputedCell[];
  /** Attacks that could only have lowered what had failed by the cells alone. */
  readonly skipped: readonly string[];
}

/**
 * Attacks the samples of each decision in a seeded random order, batch by batch, by all
 * of its attacks, until the always-valid interval of its worst case is on one side of
 * every limit, or none is left. Where the first attacks of a batch have failed every
 * limit by themselves, the others are left out: they could only break more.
 *
 * @param looks at the candidates, which come first
 */
export function decisions(
  planned: readonly PlannedDecision[],
  looks: ReadonlyMap<string, Work>,
  maker: CellMaker,
  benchOf: BenchOf,
): Phase<FoundDecision[]> {
  const works = planned.map((one) => {
    const bench = benchOf(one.candidate);
    const before = [looks.get(one.candidate)!];
    return decisionWork(
      one,
      subjectOf(one.candidate, bench),
      bench,
      before,
      maker,
    );
  });
  return { works, found: () => works.flatMap((work) => work.found() ?? []) };
}

function decisionWork(
  planned: PlannedDecision,
  subject: Subject,
  bench: Bench,
  before: readonly Work[],
  maker: CellMaker,
): Yields<FoundDecision> {
  const { candidate, defense, threatModel, cells, limits, rows } = planned;
  const { base } = bench.foreseen;
  const [first] = cells;
  const fit = maker.fit(first!.parts, defense, subject, bench);
  const surrogates = cells.flatMap(({ chosen }) => {
    const through = surrogateOf(chosen);
    return (through && bench.foreseen[through]?.made) || [];
  });
  const key = hashOf({
    kind: "decision",
    cells: cells.map((cell) => [cell.id, craftKey(cell, subject, bench)]),
    candidate: subject.key,
    defense: describeFits(first!.parts, subject, bench),
    base: base?.key,
    peer: bench.peers.given?.key,
    ...{ limits, rows, batches: BATCHES, form: FORM },
  });
  return yields(bench.store, {
    id: `decision ${candidate}/${defense}@${threatModel}`,
    kind: "decision",
    record: `decisions/${key}.json`,
    needs: [
      ...new Set([
        ...before,
        ...(fit ? [fit] : []),
        ...surrogates,
        ...(base?.made ?? []),
      ]),
    ],
    size: cells.reduce(
      (sum, cell) => sum + bench.data.y.length * stepsOf(cell),
      0,
    ),
    about: cells.flatMap(aboutCell),
    async compute() {
      await tidy(bench);
      // What is seen of a model on some samples is not what is seen on all.
      const own = { ...bench, compiled: new Map(), known: new Map() };
      try {
        return await decide(planned, subject, own);
      } finally {
        await tidy(own, 0);
      }
    },
    headline: ({ cells: made }) => ({
      what: "robust",
      rate: worstOf(made.map(({ cell }) => cell.outcomes)),
    }),
  });
}

async function decide(
  { cells, limits, rows, ...planned }: PlannedDecision,
  subject: Subject,
  bench: Bench,
): Promise<FoundDecision> {
  const of = bench.data.y.length;
  const order = new Random(bench.seed)
    .fork("order of decisions")
    .permutation(of);
  const size = Math.ceil(of / BATCHES);
  const made: Made[][] = cells.map(() => []);
  const outcomes = cells.map(() => "");
  let seen = 0;
  let isDecided = false;
  let tried = 0;
  while (!isDecided && seen < of) {
    const part = partOfBench(bench, order.slice(seen, seen + size));
    seen = Math.min(of, seen + size);
    for (tried = 0; tried < cells.length && !isDecided; tried++) {
      const cell = cells[tried]!;
      const examples = await examplesOn(cell, subject, part);
      made[tried]!.push(examples);
      const { outcomes: own } = await scoreCell(cell, subject, part, examples);
      outcomes[tried] += own;
      const robust = robustInEach(outcomes.slice(0, tried + 1));
      isDecided = limits.every((limit) => hasFailed(limit, robust, rows));
    }
    isDecided ||= limits.every((limit) =>
      isSettled(limit, robustInEach(outcomes), rows),
    );
  }
  const attacked = order.slice(0, seen);
  const part = partOfBench(bench, attacked);
  const found: ComputedCell[] = [];
  for (const [i, planned] of cells.slice(0, tried).entries()) {
    const examples = joined(made[i]!);
    const scored = await scoreCell(planned, subject, part, examples);
    // A model that draws at random is judged by what was looked at.
    const cell = { ...scored, ...ratesOf(outcomes[i]!) };
    const evidence = await gather(planned, subject, part, examples, cell);
    found.push({ cell, evidence: withoutTrained(evidence, bench) });
  }
  return {
    candidate: planned.candidate,
    defense: planned.defense,
    threatModel: planned.threatModel,
    limits,
    order: attacked,
    of,
    isDecided,
    ...(await cleanOf(cells[0]!.parts, subject, bench)),
    cells: found,
    skipped: cells.slice(tried).map(({ attack }) => attack),
  };
}

/** Evidence that says what it is without: its samples are known when it ends. */
function withoutTrained(
  evidence: ComputedCell["evidence"],
  { peers: { trained } }: Bench,
): ComputedCell["evidence"] {
  const { probes } = evidence;
  if (!trained || !probes?.otherMeans) return evidence;
  const why = "which no samples get that are attacked until a rule is decided";
  const { otherMeans } = probes;
  const untried = [...otherMeans.untried, { through: titleOf(trained), why }];
  return {
    ...evidence,
    probes: { ...probes, otherMeans: { ...otherMeans, untried } },
  };
}

/** The always-valid interval of the share that is robust. */
const intervalOf = (robust: readonly boolean[]) => (confidence: number) =>
  anytimeInterval(robust.filter(Boolean).length, robust.length, confidence);

/** Whether a rule fails by so many samples, whatever the others find. */
const hasFailed = (
  limit: number,
  robust: readonly boolean[],
  rows: number,
): boolean =>
  evidenceAgainst({ side: "min", value: limit }, intervalOf(robust)) <=
  TAIL / rows;

/** Whether a rule passes or fails so. */
const isSettled = (
  limit: number,
  robust: readonly boolean[],
  rows: number,
): boolean =>
  intervalOf(robust)(1 - 2 * TAIL).low >= limit ||
  hasFailed(limit, robust, rows);

/** What a cell says of samples of which more might have been attacked. */
function ratesOf(outcomes: string) {
  const robust = countOf(outcomes, "robust");
  const right = robust + countOf(outcomes, "broken");
  return {
    outcomes,
    robustAccuracy: anytimeRate(robust, outcomes.length),
    cleanAccuracy: anytimeRate(right, outcomes.length),
    attackSuccess: right > 0 ? anytimeRate(right - robust, right) : null,
  };
}

const worstOf = (outcomes: readonly string[]): Rate => {
  const robust = robustInEach(outcomes);
  return anytimeRate(robust.filter(Boolean).length, robust.length);
};

async function cleanOf(
  parts: Parameters<typeof openFor>[1],
  subject: Subject,
  bench: Bench,
): Promise<Pick<FoundDecision, "cleanAccuracy" | "clean">> {
  const { data } = bench;
  const opened = await openFor(await subject.open(), parts, bench);
  const answers = await cleanAnswers(opened, bench);
  const seen = classesOf(opened.model.model, answers, data.targets);
  const clean = outcomesOf(
    Array.from(data.y, (label, i) => (seen[i] === label ? "robust" : "wrong")),
  );
  return {
    cleanAccuracy: rate(countOf(clean, "robust"), data.y.length),
    clean,
  };
}
