import {
  type AttackInput,
  type Norm as AttackNorm,
  type Ball,
  ballOf,
  editsLimit,
  type Measure,
  surrogateOf,
} from "#attacks";
import {
  AssayError,
  hashOf,
  InterruptedError,
  packageVersion,
  Random,
} from "#core";
import {
  copyOfSamples,
  grantAccess,
  putSamples,
  type Queries,
  type Samples,
  samplesAt,
  type Target,
} from "#model";
import { type FloatTensor, putRows, takeRows } from "#onnx";
import { decisions, type ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { describe } from "../suite/index.ts";
import { peaksOf, stillRising } from "../trust/index.ts";
import {
  type Bench,
  drawsFor,
  type Opened,
  openFor,
  samplesOf,
} from "./bench.ts";
import { examplesFile, readExamples, writeExamples } from "./examples.ts";
import { describeFits } from "./fit.ts";

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
  const { data, seed, engine, source, target } = bench;
  const surrogate = surrogateFor(chosen, bench);
  return hashOf({
    attack: describe(chosen),
    norm,
    eps,
    queries,
    against: surrogate?.hash ?? candidate.hash,
    stated: [candidate.stated, surrogate?.stated],
    ...(surrogate
      ? { others: [target.validation.fingerprint, source?.fingerprint] }
      : {}),
    defense:
      surrogate || !adaptive ? [] : describeFits(parts, candidate, bench),
    data: data.fingerprint,
    ...(data.table ? { table: data.table } : {}),
    seed,
    version: packageVersion(),
    engine: engine.title,
  });
}

/** The model that an attack goes through instead of the candidate. */
function surrogateFor(
  chosen: PlannedCell["chosen"],
  { base, unrelated }: Bench,
): ReadyModel | undefined {
  const role = surrogateOf(chosen);
  return (role && { base, unrelated }[role]) ?? undefined;
}

/** Runs the attack, or takes its examples from the store. */
export async function craft(
  planned: PlannedCell,
  candidate: ReadyModel,
  bench: Bench,
  key: string,
): Promise<Craft & { examples: Samples; file: string }> {
  const { store, data } = bench;
  const clean = samplesOf(data);
  const file = examplesFile(key, clean);
  const known = store.read<Craft>(`examples/${key}.json`);
  const kept = known && readExamples(store, file);
  if (kept) return { ...known, examples: kept, file };

  const { parts, adaptive } = planned;
  const { unit } = planned.chosen;
  const started = performance.now();
  const victim = await openFor(candidate, adaptive ? parts : [], bench);
  const through = surrogateFor(planned.chosen, bench);
  const surrogate = through && (await openFor(through, [], bench));
  // An attacker without access to the target cannot leave out what it gets wrong.
  const all = Array.from(data.y, (_, i) => i);
  const blind = unit.access === "base" || unit.access === "none";
  const predicted = blind
    ? null
    : decisions(
        victim.model.model,
        await victim.answers(clean, drawsFor(bench, "clean")),
        data.targets,
      );
  const chosenRows = predicted
    ? all.filter((i) => predicted[i] === data.y[i])
    : all;
  const notes: string[] = [];
  const measures: Measure[] = [];
  const { target, run, withdraw } = begin(
    planned,
    { victim, surrogate },
    chosenRows,
    bench,
    {
      onNote: (text) => notes.push(text),
      onMeasure: (measure) => measures.push(measure),
    },
  );
  const examples = copyOfSamples(clean);
  let noGradient: string | null = null;
  if (chosenRows.length > 0) {
    try {
      putSamples(examples, chosenRows, await run());
    } catch (error) {
      // That a model has no gradient says nothing for its robustness; a trust check says so.
      if (!isAboutGradients(error)) throw error;
      noGradient = error.message;
      putSamples(examples, chosenRows, target.examples());
    }
  }
  const refused = withdraw(examples);
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
  writeExamples(store, file, examples);
  // Written last: a record means that the examples are whole.
  store.write(`examples/${key}.json`, made);
  return { ...made, examples, file };
}

/** An attack that is ready to run. */
interface Begun {
  readonly target: Pick<Target, "queries" | "brokenAt" | "losses"> & {
    examples(): Samples;
  };
  run(): Promise<Samples>;
  /** Puts the clean sample in the place of examples that there cannot be, and says how many they were. */
  withdraw(examples: Samples): number;
}

/** Grants an attack its access to the samples that it is to break. */
function begin(
  planned: PlannedCell,
  { victim, surrogate }: { victim: Opened; surrogate?: Opened },
  chosenRows: readonly number[],
  bench: Bench,
  told: Pick<AttackInput<unknown>, "onNote" | "onMeasure">,
): Begun {
  const { norm, eps } = planned;
  const { unit, params } = planned.chosen;
  const { data, seed, onEvent, signal } = bench;
  const y = Int32Array.from(chosenRows, (i) => data.y[i]!);
  const terms = {
    access: unit.access,
    y,
    targets: data.targets && takeRows(data.targets, chosenRows),
    queries: planned.queries ?? undefined,
    draws: new Random(seed).fork(`draws of the model under ${planned.id}`),
  };
  const stream = new Random(seed).fork(`attack ${unit.id} ${norm} ${eps}`);
  const input = {
    y,
    params,
    random: chosenRows.map((i) => stream.fork(i)),
    onProgress(share: number) {
      if (signal?.aborted) throw new InterruptedError();
      onEvent({ kind: "progress", cell: planned.id, share });
    },
  };
  if (unit.kind === "text") {
    const texts = samplesAt(data.texts?.strings ?? [], chosenRows);
    const target = grantAccess(
      { model: victim.model.model, answers: victim.answers },
      { ...terms, x: texts, limit: editsLimit(eps) },
    );
    return {
      target,
      run: () => unit.run({ ...input, ...told, target, texts, edits: eps }),
      withdraw: () => 0,
    };
  }
  const { table } = data;
  const { bounds } = victim.model.model.contract;
  const ball = ballOf(norm as AttackNorm, eps, bounds, table);
  const x = takeRows(data.x, chosenRows);
  const target = grantAccess(victim.model, {
    ...terms,
    x,
    limit: ball,
    base: surrogate?.model,
  });
  return {
    target,
    run: () =>
      unit.run({
        ...input,
        ...told,
        target,
        x,
        ball,
        table,
        others: bench.target.validation,
        source: bench.source?.x,
      }),
    withdraw: (examples) =>
      withdrawImpossible(examples as FloatTensor, data.x, ball),
  };
}

/** Whether there is no gradient, or none that can be taken. */
export const isAboutGradients = (error: unknown): error is AssayError =>
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
