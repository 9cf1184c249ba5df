import { surrogateOf } from "#attacks";
import { hashOf } from "#core";
import type { Samples } from "#model";
import { UNDEFENDED } from "../counting.ts";
import type { PlannedCell } from "../plan/index.ts";
import {
  drawsOf,
  type Evidence,
  gradientsOfDraws,
  PROBED,
} from "../trust/index.ts";
import { progressOf } from "../workplace.ts";
import {
  type About,
  type Failure,
  foundBy,
  oncePerRecord,
  type Work,
  type Yields,
  yields,
} from "../works/index.ts";
import { answersWork, inFrontOf } from "./answering.ts";
import { mayBeTriedAgain } from "./attempt.ts";
import { type Bench, type Subject, tidy } from "./bench.ts";
import { type BareCell, scoreCell } from "./cell.ts";
import { type Craft, craft, craftKey } from "./craft.ts";
import { gather } from "./evidence.ts";
import { examplesFile, readExamples, writeExamples } from "./examples.ts";
import { describeFits, fitDefenses, learns } from "./fit.ts";
import { replayingOn, withReplays } from "./replaying.ts";
import { samplesOf } from "./seen.ts";

/** A cell as what finds it: its examples, their score, and what was tried on them. */
export interface CellWorks {
  readonly planned: PlannedCell;
  readonly score: Yields<BareCell>;
  readonly evidence: Yields<Omit<Evidence, "faults">>;
  readonly examples: Yields<Made>;
  /** All of them, and what the cell can do without. */
  readonly works: readonly Work[];
  /**
   * What was found; undefined where any of it is missing.
   *
   * @param failures why works have no result
   */
  found(failures: readonly Failure[]): ComputedCell | undefined;
}

/** A cell that nothing of is kept. */
export async function attackOnce(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
): Promise<ComputedCell> {
  const made = await craft(planned, subject, bench);
  const cell = await scoreCell(planned, subject, bench, made);
  return { cell, evidence: await gather(planned, subject, bench, made, cell) };
}

/** Examples, and how they were made. */
type Made = Craft & { readonly examples: Samples };

/** What was found of a cell. */
export interface ComputedCell {
  readonly cell: BareCell;
  readonly evidence: Omit<Evidence, "faults">;
}

/** Cells of a run as works, in which nothing is made twice. */
export interface CellMaker {
  /** @param before has to be done before the subject is attacked */
  cell(
    planned: PlannedCell,
    subject: Subject,
    bench: Bench,
    before: readonly Work[],
  ): CellWorks;
  /** What fits a defence to a subject; undefined where it learns nothing. */
  fit(
    parts: PlannedCell["parts"],
    defense: string,
    subject: Subject,
    bench: Bench,
  ): Work | undefined;
}

export function cellMaker(): CellMaker {
  const once = oncePerRecord();
  const fit: CellMaker["fit"] = (parts, defense, subject, bench) =>
    parts.some(learns)
      ? once(fitWork(parts, defense, subject, bench))
      : undefined;
  return {
    fit,
    cell(planned, subject, bench, before) {
      const behind = (parts: PlannedCell["parts"], defense: string) => {
        const fitted = fit(parts, defense, subject, bench);
        const first = [...before, ...(fitted ? [fitted] : [])];
        const named = { ...planned, parts, defense };
        return once(answersWork(named, subject, bench, first));
      };
      const answers = behind(planned.parts, planned.defense);
      const needs = [...answers.needs, answers];
      const examples = once(examplesWork(planned, subject, bench, needs));
      const score = once(
        scoreWork(planned, subject, bench, [...needs, examples], examples),
      );
      // What an attack does behind rounding is compared with the bare candidate.
      const bare = mayBeTriedAgain(planned) ? [behind([], UNDEFENDED)] : [];
      const evidence = once(
        evidenceWork(planned, subject, bench, score, examples, bare),
      );
      const replaying = replayingOn(planned, subject, bench, score, examples);
      return {
        planned,
        score,
        evidence,
        examples,
        works: [
          examples,
          score,
          evidence,
          ...(replaying?.work ? [replaying.work] : []),
        ],
        found(failures) {
          const [cell, seen] = [score.found(), evidence.found()];
          return (
            cell &&
            seen && { cell, evidence: withReplays(seen, replaying, failures) }
          );
        },
      };
    },
  };
}

function fitWork(
  parts: PlannedCell["parts"],
  defense: string,
  subject: Subject,
  bench: Bench,
): Work {
  const key = hashOf(describeFits(parts, subject, bench));
  return yields<string[]>(bench.store, {
    id: `fit ${subject.candidate}/${defense}`,
    kind: "fit",
    sort: [parts.map(({ unit }) => unit.id).join(" "), subject.candidate],
    record: `fits/${key}.defense.json`,
    needs: subject.made,
    size: bench.target.train.y.length * epochsOf(parts),
    async compute() {
      await tidy(bench);
      const kept: string[] = [];
      await fitDefenses(parts, await subject.open(), bench, (files) =>
        kept.push(...files),
      );
      return kept;
    },
    files: (kept) => kept,
  });
}

function examplesWork(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
  needs: readonly Work[],
): Yields<Made> {
  const { store, foreseen, data } = bench;
  const key = craftKey(planned, subject, bench);
  const file = examplesFile(key, samplesOf(data));
  const through = surrogateOf(planned.chosen);
  const kept = yields<Craft>(store, {
    id: `examples ${planned.id}`,
    kind: "examples",
    sort: likeOf(planned),
    defense: inFrontOf(planned, bench),
    record: `examples/${key}.json`,
    needs: [...needs, ...((through && foreseen[through]?.made) || [])],
    size: data.y.length * stepsOf(planned),
    async compute() {
      await tidy(bench);
      const { examples, ...how } = await craft(planned, subject, bench);
      writeExamples(store, file, examples);
      return how;
    },
    files: () => [file],
  });
  return {
    ...kept,
    found() {
      const how = kept.found();
      return how && { ...how, examples: readExamples(store, file) };
    },
  };
}

function scoreWork(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
  needs: readonly Work[],
  examples: Yields<Made>,
): Yields<BareCell> {
  const key = hashOf({
    examples: examples.record,
    candidate: subject.key,
    defense: describeFits(planned.parts, subject, bench),
    id: planned.id,
  });
  return yields(bench.store, {
    id: `cell ${planned.id}`,
    kind: "cell",
    defense: inFrontOf(planned, bench),
    record: `cells/${key}.json`,
    needs,
    size: bench.data.y.length,
    about: aboutCell(planned),
    async compute() {
      await tidy(bench);
      const made = foundBy(examples);
      return scoreCell(planned, subject, bench, made);
    },
    headline: ({ robustAccuracy }) => ({
      what: "robust",
      rate: robustAccuracy,
    }),
  });
}

/**
 * Of what is kept of probes. It is counted up when that changes, so that no record of
 * an earlier build is taken for one of this.
 */
const FORM = 2;

function evidenceWork(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
  score: Yields<BareCell>,
  examples: Yields<Made>,
  bare: readonly Work[],
): Yields<Omit<Evidence, "faults">> {
  // Their examples are replayed.
  const base = planned.probed ? bench.foreseen.base : null;
  const given = planned.probed ? bench.peers.given : null;
  const key = hashOf({
    form: FORM,
    score: score.record,
    probed: planned.probed,
    base: base?.key,
    given: given?.key,
  });
  return yields(bench.store, {
    id: `probes ${planned.id}`,
    kind: "probes",
    sort: likeOf(planned),
    defense: inFrontOf(planned, bench),
    record: `probes/${key}.json`,
    needs: [score, examples, ...bare, ...(base?.made ?? [])],
    size: triesOf(planned, bench.data.y.length),
    about: aboutCell(planned),
    async compute() {
      await tidy(bench);
      const [made, cell] = [foundBy(examples), foundBy(score)];
      const seen = await gather(planned, subject, bench, made, cell);
      progressOf(bench, planned.id)(1);
      return seen;
    },
  });
}

/** What its works take their time for. */
export const likeOf = ({ chosen, norm, candidate, defense }: PlannedCell) => [
  chosen.unit.id,
  norm,
  candidate,
  defense,
];

export const aboutCell = ({
  id,
  candidate,
  defense,
  attack,
  threatModel,
  adaptive,
  isOnSource,
}: PlannedCell): About[] => [
  {
    what: isOnSource ? "source" : "cell",
    id,
    candidate,
    defense,
    attack,
    threatModel,
    adaptive,
  },
];

/** Passes over the data of all that is trained to fit a defence, and at least one. */
const epochsOf = (parts: PlannedCell["parts"]): number =>
  parts.reduce((sum, { params }) => {
    const { epochs } = params as { readonly epochs?: number };
    return sum + (epochs ?? 0);
  }, 0) || 1;

/** Passes of probes for each sample that they look at, whatever the attack. */
const TRIES = 320;

/**
 * How much probes do: the attack anew, other means on a few samples, and more draws
 * where a defence draws at random.
 */
function triesOf(planned: PlannedCell, samples: number): number {
  if (!mayBeTriedAgain(planned)) return samples;
  const { chosen, parts } = planned;
  const steps = stepsOf(planned);
  const draws = parts.some(({ unit }) => "draws" in unit && unit.draws)
    ? gradientsOfDraws(chosen, samples)
    : 0;
  return (
    samples * steps +
    Math.min(PROBED, samples) * TRIES +
    (steps / drawsOf(chosen)) * draws
  );
}

/** Steps of an attack that states none, or those of its paper. */
const USUAL = 100;

/** About how many passes an attack makes for each sample. */
export function stepsOf({ chosen, queries }: PlannedCell): number {
  if (chosen.unit.family === "single-step") return 1;
  const params = new Map(Object.entries(chosen.params));
  const of = (name: string, without: number) => {
    const value: unknown = params.get(name);
    return typeof value === "number" ? value : without;
  };
  const all =
    of("steps", of("draws", USUAL)) *
      of("restarts", 1) *
      of("eot", 1) *
      of("targets", 1) +
    of("generations", 0) * of("offspring", 0);
  return Math.max(1, queries === null ? all : Math.min(all, queries));
}
