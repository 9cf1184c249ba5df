import { type Ball, ballOf, type Measure } from "#attacks";
import {
  AssayError,
  hashOf,
  InterruptedError,
  packageVersion,
  Random,
} from "#core";
import { grantAccess, type Queries } from "#model";
import { copyOf, type FloatTensor, putRows, takeRows } from "#onnx";
import { type Bench, drawsFor, openFor } from "./bench.ts";
import { decisions } from "./detection.ts";
import { describeFits } from "./fit.ts";
import { describe, type ReadyModel } from "./models.ts";
import type { PlannedCell } from "./plan.ts";
import { peaksOf, stillRising } from "./probes/index.ts";

/** The examples of one attack, and how they were made. */
export interface Craft {
  readonly queries: Queries;
  /** Of each sample; empty for an attack that does not query the target, or looks for one perturbation of all samples. */
  readonly queriesToBreak: readonly number[];
  /** Share of the standing samples whose loss still rose in the last steps; null where that cannot be told. */
  readonly rising: number | null;
  /** The highest loss that the attack saw of each sample; null where it followed none to its end. */
  readonly peaks: readonly (number | null)[];
  /** What the attack had to do otherwise than its paper says, in sentences. */
  readonly notes: readonly string[];
  /** How many samples withstood its parts. */
  readonly measures: readonly Measure[];
  /** Why there was no gradient to follow; null where there was, or none was needed. */
  readonly noGradient: string | null;
  readonly seconds: number;
}

/** The hash of all that the examples of a cell depend on. Attacks through the base share theirs. */
export function craftKey(
  { chosen, norm, eps, queries, parts, adaptive }: PlannedCell,
  candidate: ReadyModel,
  bench: Bench,
): string {
  const { data, seed, base, engine } = bench;
  const throughBase = chosen.unit.access === "base";
  return hashOf({
    attack: describe(chosen),
    norm,
    eps,
    queries,
    against: throughBase ? base?.hash : candidate.hash,
    stated: [candidate.stated, throughBase && base?.stated],
    defense:
      throughBase || !adaptive ? [] : describeFits(parts, candidate, bench),
    data: data.fingerprint,
    ...(data.table ? { table: data.table } : {}),
    seed,
    version: packageVersion(),
    engine: engine.title,
  });
}

/** Runs the attack, or takes its examples from the store. */
export async function craft(
  planned: PlannedCell,
  candidate: ReadyModel,
  bench: Bench,
  key: string,
): Promise<Craft & { examples: FloatTensor }> {
  const { store, data, seed, base, onEvent, signal } = bench;
  const known = store.read<Craft>(`examples/${key}.json`);
  const kept = known && store.readTensor(`examples/${key}.npy`);
  if (kept) return { ...known, examples: kept };

  const { chosen, norm, eps, parts, adaptive } = planned;
  const { unit, params } = chosen;
  const started = performance.now();
  const { model: victim } = await openFor(
    candidate,
    adaptive ? parts : [],
    bench,
  );
  const surrogate =
    unit.access === "base" && base
      ? (await openFor(base, [], bench)).model
      : undefined;
  // An attacker without access to the target cannot leave out what it gets wrong.
  const all = Array.from(data.y, (_, i) => i);
  const blind = unit.access === "base" || unit.access === "none";
  const predicted = blind
    ? null
    : decisions(
        victim.model,
        await victim.answers(data.x, drawsFor(bench, "clean")),
        data.targets,
      );
  const chosenRows = predicted
    ? all.filter((i) => predicted[i] === data.y[i])
    : all;
  const x = takeRows(data.x, chosenRows);
  const y = Int32Array.from(chosenRows, (i) => data.y[i] as number);
  const { table } = data;
  const ball = ballOf(norm, eps, victim.model.contract.bounds, table);
  const target = grantAccess(victim, {
    access: unit.access,
    x,
    y,
    targets: data.targets && takeRows(data.targets, chosenRows),
    limit: ball,
    queries: planned.queries ?? undefined,
    base: surrogate,
    draws: new Random(seed).fork(`draws of the model under ${planned.id}`),
  });
  const examples = copyOf(data.x);
  const notes: string[] = [];
  const measures: Measure[] = [];
  let noGradient: string | null = null;
  if (chosenRows.length > 0) {
    const stream = new Random(seed).fork(`attack ${unit.id} ${norm} ${eps}`);
    const input = {
      target,
      x,
      y,
      ball,
      table,
      params,
      random: chosenRows.map((i) => stream.fork(i)),
      onProgress(share: number) {
        if (signal?.aborted) throw new InterruptedError();
        onEvent({ kind: "progress", cell: planned.id, share });
      },
      onNote: (text: string) => notes.push(text),
      onMeasure: (measure: Measure) => measures.push(measure),
    };
    try {
      putRows(examples, chosenRows, await unit.run(input));
    } catch (error) {
      // That a model has no gradient says nothing for its robustness; a trust check says so.
      if (!isAboutGradients(error)) throw error;
      noGradient = error.message;
      putRows(examples, chosenRows, target.examples());
    }
  }
  const refused = withdrawImpossible(examples, data.x, ball);
  if (refused > 0)
    notes.push(
      `gave ${refused} of ${all.length} rows that there cannot be, which do not count`,
    );
  const made: Craft = {
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
    seconds: (performance.now() - started) / 1000,
  };
  store.writeTensor(`examples/${key}.npy`, examples);
  // Written last: a record means that the examples are whole.
  store.write(`examples/${key}.json`, made);
  return { ...made, examples };
}

const isAboutGradients = (error: unknown): error is AssayError =>
  error instanceof AssayError &&
  ["GRADIENT_NO_PATH", "GRADIENT_UNSUPPORTED"].includes(error.code);

/** Puts the clean sample in the place of examples that there cannot be, and says how many they were. */
function withdrawImpossible(
  examples: FloatTensor,
  x: FloatTensor,
  { allows }: Ball,
): number {
  if (!allows) return 0;
  let refused = 0;
  for (let i = 0; i < (x.dims[0] ?? 0); i++) {
    const clean = takeRows(x, [i]);
    if (allows(clean, takeRows(examples, [i]))) continue;
    putRows(examples, [i], clean);
    refused++;
  }
  return refused;
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
