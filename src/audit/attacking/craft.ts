import {
  attackOn,
  type Measure,
  type Part,
  type Runnable,
  surrogateOf,
} from "#attacks";
import { hashOf, Random } from "#core";
import {
  type Answering,
  copyOfSamples,
  isAboutGradients,
  type Limit,
  putSamples,
  type Queries,
  type Samples,
} from "#model";
import { decisions } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { describe } from "../suite/index.ts";
import { peaksOf, stillRising } from "../trust/index.ts";
import { madeBy, progressOf, stopwatch } from "../workplace.ts";
import { type Bench, ballFor, openFor, type Subject } from "./bench.ts";
import { describeFits } from "./fit.ts";
import { cleanAnswers, samplesOf } from "./seen.ts";

/** The examples of one attack, and how they were made. */
export interface Craft {
  readonly queries: Queries;
  /**
   * Of each sample; empty for an attack that does not query the target, or looks for
   * one perturbation of all samples.
   */
  readonly queriesToBreak: readonly number[];
  /**
   * Share of the standing samples whose loss still rose in the last steps; null where
   * that cannot be told.
   */
  readonly rising: number | null;
  /**
   * The highest loss that the attack saw of each sample; null where it followed
   * none to its end.
   */
  readonly peaks: readonly (number | null)[];
  /** What the attack had to do otherwise than its paper says, in sentences. */
  readonly notes: readonly string[];
  /** How many samples withstood its parts. */
  readonly measures: readonly Measure[];
  /** Why there was no gradient to follow; null where there was, or none was needed. */
  readonly noGradient: string | null;
  /** Whether one of its parts ran that needs no gradient. */
  readonly searched: boolean;
  readonly seconds: number;
}

/**
 * The hash of all that the examples of a cell depend on. Attacks through the
 * base share theirs.
 */
export function craftKey(
  { chosen, norm, eps, queries, parts, adaptive }: PlannedCell,
  subject: Pick<Subject, "key">,
  bench: Bench,
): string {
  const { data, source, target } = bench;
  const through = surrogateOf(chosen);
  const surrogate = through && bench.foreseen[through];
  return hashOf({
    attack: describe(chosen),
    norm,
    eps,
    queries,
    against: (surrogate ?? subject).key,
    others: surrogate && [target.validation.fingerprint, source?.fingerprint],
    defense: surrogate || !adaptive ? [] : describeFits(parts, subject, bench),
    data: data.fingerprint,
    table: data.table,
    ...madeBy(bench),
  });
}

/** Runs the attack of a cell. */
export async function craft(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
): Promise<Craft & { examples: Samples }> {
  const candidate = await subject.open();
  const { data, seed } = bench;
  const { validation } = bench.target;
  const clean = samplesOf(data);
  const { parts, adaptive, norm, eps } = planned;
  const { unit } = planned.chosen;
  const seconds = stopwatch();
  const opened = await openFor(candidate, adaptive ? parts : [], bench);
  const ball = ballFor(planned, opened, data);
  const through = surrogateOf(planned.chosen);
  const surrogate = through && (await bench.models[through]());
  const base = surrogate && (await openFor(surrogate, [], bench));
  // An attacker without access to the target cannot leave out what it gets wrong.
  const all = Array.from(data.y, (_, i) => i);
  const blind = unit.access === "base" || unit.access === "none";
  const predicted = blind
    ? null
    : decisions(
        opened.model.model,
        await cleanAnswers(opened, bench),
        data.targets,
      );
  const chosenRows = predicted
    ? all.filter((i) => predicted[i] === data.y[i])
    : all;
  const notes: string[] = [];
  const measures: Measure[] = [];
  const ran: Part[] = [];
  const { target, run } = attackOn<Samples, Limit<Samples>>(
    (data.texts
      ? { model: opened.model.model, answers: opened.answers }
      : opened.model) as Answering<Samples>,
    { x: clean, y: data.y, targets: data.targets },
    planned.chosen as Runnable<Samples, Limit<Samples>>,
    { ball, queries: planned.queries ?? undefined },
    {
      rows: chosenRows,
      random: new Random(seed).fork(`attack ${unit.id} ${norm} ${eps}`),
      draws: new Random(seed).fork(`draws of the model under ${planned.id}`),
      base: base?.model as Answering<Samples> | undefined,
      others: validation.y.length > 0 ? validation : undefined,
      source: bench.source?.x,
      onNote: (text) => notes.push(text),
      onMeasure: (measure) => measures.push(measure),
      onPart: (part) => ran.push(part),
      onProgress: progressOf(bench, planned.id),
    },
  );
  let examples: Samples;
  let noGradient: string | null = null;
  try {
    examples = await run();
  } catch (error) {
    // That a model has no gradient says nothing for its robustness. A
    // trust check says so.
    if (!isAboutGradients(error)) throw error;
    noGradient = error.message;
    examples = copyOfSamples(clean);
    putSamples(examples, chosenRows, target.examples());
  }
  for (const part of ran) noGradient ??= part.noGradient;
  return {
    examples,
    queries: { ...target.queries },
    queriesToBreak:
      blind || unit.family === "universal"
        ? []
        : spread(target.brokenAt, chosenRows, all, 0),
    rising: stillRising(target.losses.filter((_, i) => !target.brokenAt[i])),
    peaks: spread(peaksOf(target.losses), chosenRows, all, null),
    notes,
    measures,
    noGradient,
    searched: ran.some(
      (part) => part.noGradient === null && part.access !== "gradient",
    ),
    seconds: seconds(),
  };
}

/** Numbers of some samples among all of them. */
function spread<T extends number | null>(
  values: ArrayLike<T>,
  rows: readonly number[],
  all: readonly number[],
  otherwise: T,
): T[] {
  const whole = all.map(() => otherwise);
  rows.forEach((row, i) => {
    whole[row] = values[i] as T;
  });
  return whole;
}
