import { InterruptedError } from "#core";
import type { Session } from "#engine";
import {
  asFed,
  type CompiledModel,
  type Divided,
  divide,
  gradientRows,
  type Model,
} from "#model";
import { concatRows, type FloatTensor, floats, sizeOf, takeRows } from "#onnx";
import { fits, type KeptRows, openRows } from "./kept-rows.ts";
import type { TrainingPart } from "./part.ts";
import type { Run } from "./training.ts";
import { viewed } from "./views.ts";

/** What lies before all that a stage trains, computed once for each sample. */
export interface Frozen {
  /** What is trained, as a model of what was kept. */
  readonly rest: Model;
  /** What was kept of training samples in a pass over the data, as `rest` takes it. */
  train(rows: readonly number[], pass: number): FloatTensor;
  /** What `rest` says of all validation samples. */
  validation(rest: CompiledModel): Promise<FloatTensor>;
  release(): void;
}

/**
 * Whether a training may learn from what a frozen body made of its samples: nothing of
 * it looks at inputs or between the two, and what augments makes the same views again.
 */
function mayKeep({ augmenting, others, settings }: Run): boolean {
  const preparesOnly = (p: TrainingPart) =>
    !(p.views || p.loss || p.gradient || p.inputGradient || p.judge || p.check);
  return (
    others.every((p) => p.isBlind) &&
    augmenting.every(preparesOnly) &&
    (augmenting.length === 0 || settings.views !== undefined)
  );
}

/**
 * Keeps what a model computes before the weights that a stage trains.
 *
 * @param epochs of the stage; where no view is seen twice, nothing is kept
 * @returns undefined where nothing can be kept, or nothing is won by it
 */
export async function openFrozen(
  run: Run,
  model: Model,
  trained: Iterable<string>,
  epochs: number,
): Promise<Frozen | undefined> {
  const { train, validation, settings, engine, room = {} } = run;
  const views = settings.views ?? 1;
  if (epochs <= views || !mayKeep(run)) return undefined;
  const divided = divide(model, trained);
  if (!divided) return undefined;
  const sets = [
    validation.y.length,
    ...Array.from({ length: views }, () => train.y.length),
  ];
  const { rest, width } = divided;
  const all = width * sets.reduce((sum, count) => sum + count, 0);
  if (!fits(all, room)) return undefined;
  const kept = openRows(sets, width, room);
  const release = () => {
    for (const rows of kept) rows.release();
  };
  const body = await engine.load(divided.body);
  const most = gradientRows(divided.body, engine);
  try {
    for (const [view, rows] of kept.entries())
      for (const part of inParts(sets[view]!, most)) {
        if (run.signal?.aborted) throw new InterruptedError();
        const x =
          view === 0
            ? takeRows(validation.x, part)
            : await viewed(run, part, view);
        const packed = await passed(body, model, divided, x);
        if (!packed) {
          release();
          return undefined;
        }
        rows.add(packed);
      }
  } catch (error) {
    release();
    throw error;
  } finally {
    await body.release();
  }
  const shaped = (rows: KeptRows, indices: readonly number[]) =>
    floats([indices.length, ...divided.shape], rows.take(indices));
  const [judged, ...learned] = kept as [KeptRows, ...KeptRows[]];
  return {
    rest,
    train: (indices, pass) => shaped(learned[(pass - 1) % views]!, indices),
    async validation(compiled) {
      const parts: FloatTensor[] = [];
      for (const part of inParts(validation.y.length, most))
        parts.push(await compiled.logits(shaped(judged, part)));
      return concatRows(parts);
    },
    release,
  };
}

/** Indices up to a number, in even parts of at most so many. */
function inParts(count: number, most: number): number[][] {
  const size = Math.ceil(count / Math.max(1, Math.ceil(count / most)));
  return Array.from({ length: Math.ceil(count / Math.max(1, size)) }, (_, k) =>
    Array.from(
      { length: Math.min(size, count - k * size) },
      (_, i) => k * size + i,
    ),
  );
}

/**
 * What crosses for each of some samples, side by side; undefined where a number is no
 * float, so that it could not be kept as it is.
 */
async function passed(
  body: Session,
  { graph, input }: Model,
  { body: { outputs: names }, crossings, width }: Divided,
  x: FloatTensor,
): Promise<Float32Array | undefined> {
  const outputs = await body.run({ [input]: asFed(x, graph, input) });
  const count = x.dims[0] ?? 0;
  const packed = new Float32Array(count * width);
  let at = 0;
  for (const [c, { dims }] of crossings.entries()) {
    const { data, type } = outputs[names[c]!.name] as FloatTensor;
    const size = sizeOf(dims);
    const numbers = type === "float32" ? data : Float32Array.from(data, Number);
    // Of what was rounded, some number is another one.
    if (numbers !== data && numbers.some((v, i) => v !== Number(data[i])))
      return undefined;
    for (let i = 0; i < count; i++)
      packed.set(numbers.subarray(i * size, (i + 1) * size), i * width + at);
    at += size;
  }
  return packed;
}
