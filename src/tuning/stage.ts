import { InterruptedError, type Random } from "#core";
import { type CompiledModel, compile, forwardRows, type Model } from "#model";
import {
  concatRows,
  FEW,
  type FloatTensor,
  isStreamed,
  type Lent,
  reused,
  sizeOf,
  type Tensor,
  takeRows,
} from "#onnx";
import { batchOf, evenParts, prepared } from "./batches.ts";
import { type Frozen, openFrozen } from "./frozen.ts";
import { criterionOf } from "./loss-graph.ts";
import type { Moment, Validated } from "./part.ts";
import { openSlope, type Slope } from "./slope.ts";
import { openStep, type TrainingStep } from "./step.ts";
import type { Stage } from "./strategies/index.ts";
import type { Run } from "./training.ts";
import { judgedOutputs, validate } from "./validation.ts";
import { generators, viewed } from "./views.ts";

/** Values by weight name. */
export type Weights = Map<string, FloatTensor>;

/** The model with some constants replaced. */
export function withWeights(model: Model, weights: Weights): Model {
  return {
    ...model,
    graph: {
      ...model.graph,
      constants: new Map<string, Tensor>([
        ...model.graph.constants,
        ...weights,
      ]),
    },
  };
}

/** A stage that is being trained. */
export interface OpenStage {
  readonly step: TrainingStep;
  /** What learns, at the current weights: the model, or what lies behind `frozen`. */
  readonly compiled: CompiledModel;
  readonly slope: Slope;
  /** What comes before all that is trained, where it is computed but once. */
  readonly frozen: Frozen | undefined;
  release(): Promise<void>;
}

export async function openStage(
  run: Run,
  stage: Stage,
  current: Weights,
  parameters: TrainingStep["parameters"],
): Promise<OpenStage> {
  const { model, groups, settings, engine, opened } = run;
  const whole = withWeights(model, current);
  const rates = new Map<string, number>();
  for (const group of groups) {
    const rate = stage.rates.get(group.name);
    if (rate !== undefined)
      for (const name of group.parameters) rates.set(name, rate);
  }
  const names = rates.keys();
  const frozen = await openFrozen(run, whole, names, stage.epochs);
  const here = frozen?.rest ?? whole;
  const options = { settings, parts: opened, parameters };
  const step = await openStep(here, rates, options, engine);
  const compiled = await compile(here, engine, { weights: step.weights });
  const slope = openSlope(here, step.weights, opened, engine);
  return {
    step,
    compiled,
    slope,
    frozen,
    async release() {
      frozen?.release();
      await step.release();
      await slope.release();
      await compiled.release();
    },
  };
}

/**
 * Takes the steps of an epoch; returns the mean loss and the means of
 * what was recorded.
 */
export async function trainEpoch(
  run: Run,
  open: OpenStage,
  epoch: number,
  rateAt: (step: number) => number,
): Promise<{ loss: number; records?: Record<string, number> }> {
  const sums = new Map<string, number>();
  let sum = 0;
  let samples = 0;
  const lent = lentFor(run);
  for (let s = 0; s < run.stepsPerEpoch; s++) {
    if (run.signal?.aborted) throw new InterruptedError();
    const step = (epoch - 1) * run.stepsPerEpoch + s;
    const { rows, pass } = run.drawn(step);
    const moment = momentOf(run, open, epoch, step, pass, rows);
    const x = await madeBefore(run, open, rows, pass);
    const all = run.train.x;
    const own = x ?? takeRows(all, rows, lent);
    const batch = batchOf(run.train, rows, floatTargets(run), own);
    if (!x && isStreamed(all)) all.ahead(run.drawn(step + 1).rows);
    const ready = await prepared(x ? run.others : run.opened, batch, moment);
    const { loss, records } = await open.step.take(ready, rateAt(step));
    if (!Number.isFinite(loss)) return { loss: Number.NaN };
    sum += loss * rows.length;
    samples += rows.length;
    for (const [name, value] of Object.entries(records))
      sums.set(name, (sums.get(name) ?? 0) + value * rows.length);
  }
  const means = [...sums].map(([name, s]) => [name, s / samples] as const);
  return {
    loss: sum / samples,
    records: means.length > 0 ? Object.fromEntries(means) : undefined,
  };
}

/**
 * The array of a batch: one for all of an epoch where no part sees it, and may keep it.
 * The pages of a new one cost more than reading images from the disk.
 */
const lentFor = ({ opened }: Run): Lent | undefined =>
  opened.some((part) => part.prepare || part.gradient) ? undefined : reused();

/**
 * What stands for some samples in a pass, where that does not depend on the weights:
 * what a frozen body made of them, or one of their views.
 */
async function madeBefore(
  run: Run,
  { frozen }: OpenStage,
  rows: readonly number[],
  pass: number,
): Promise<FloatTensor | undefined> {
  if (frozen) return frozen.train(rows, pass);
  const { views } = run.settings;
  return views === undefined
    ? undefined
    : viewed(run, rows, 1 + ((pass - 1) % views));
}

const floatTargets = ({ opened, model }: Run) =>
  criterionOf(opened, model).floats;

function momentOf(
  { random, steps }: Run,
  { compiled, slope }: OpenStage,
  epoch: number,
  step: number,
  pass: number | "validation",
  rows: readonly number[],
): Moment {
  let batchRandom: Random | undefined;
  let each: Random[] | undefined;
  return {
    model: compiled,
    slope: slope.at,
    // Plain training draws nothing from them.
    get random() {
      each ??= generators(random, pass, rows);
      return each;
    },
    get batchRandom() {
      batchRandom ??= random.fork(`prepare ${step}`);
      return batchRandom;
    },
    step,
    progress: step / steps,
    epoch,
  };
}

/** How the weights after an epoch do on the validation data. */
export async function judge(
  run: Run,
  open: OpenStage,
  epoch: number,
): Promise<Validated> {
  const { validation, opened } = run;
  const truthOf = (rows: readonly number[]) =>
    // What stands for the samples is not looked at.
    batchOf(validation, rows, floatTargets(run), validation.x);
  const all = Array.from(validation.y, (_, i) => i);
  const judging = opened.find((p) => p.evaluate);
  if (judging?.evaluate) {
    const parts: FloatTensor[] = [];
    for await (const { outputs } of outputsOf(run, open, epoch))
      parts.push(outputs);
    const outputs = concatRows(parts);
    return judging.evaluate(outputs, truthOf(all));
  }
  async function* judged() {
    for await (const { rows, outputs } of outputsOf(run, open, epoch))
      yield { outputs, truth: truthOf(rows) };
  }
  return validate(open.compiled.model, judged());
}

/**
 * What the model says of validation samples: of as many at once as it computes
 * together, or, where a part of the training makes others of them, of all, or of as
 * many as `byParts` reads where they are streamed.
 */
async function* outputsOf(
  run: Run,
  open: OpenStage,
  epoch: number,
): AsyncGenerator<{ rows: number[]; outputs: FloatTensor }> {
  const { validation, opened } = run;
  const { x, y } = validation;
  const { compiled, frozen } = open;
  const step = epoch * run.stepsPerEpoch;
  const isJudged = opened.some((p) => p.judge);
  const most = frozen
    ? frozen.most
    : !isJudged
      ? forwardRows(compiled.model.graph)
      : isStreamed(x)
        ? Math.max(1, Math.floor(FEW / 4 / sizeOf(x.dims.slice(1))))
        : y.length;
  const parts = evenParts(y.length, most);
  for (const [k, rows] of parts.entries()) {
    const moment = momentOf(run, open, epoch, step, "validation", rows);
    if (frozen) {
      yield { rows, outputs: await frozen.validation(compiled, rows) };
      continue;
    }
    if (isStreamed(x)) x.ahead(parts[k + 1] ?? []);
    const own = parts.length === 1 ? x : undefined;
    const batch = batchOf(validation, rows, floatTargets(run), own);
    yield { rows, outputs: await judgedOutputs(batch, moment, opened) };
  }
}

/**
 * What a part has against the weights after an epoch, which it looks at on the
 * epoch's first batch.
 */
export async function check(
  run: Run,
  open: OpenStage,
  epoch: number,
): Promise<string | undefined> {
  const critics = run.opened.filter((p) => p.check);
  if (critics.length === 0) return undefined;
  const step = (epoch - 1) * run.stepsPerEpoch;
  const { rows, pass } = run.drawn(step);
  const batch = batchOf(run.train, rows, floatTargets(run));
  for (const part of critics) {
    const moment = momentOf(run, open, epoch, step, pass, rows);
    const objection = await part.check?.(batch, moment);
    if (objection !== undefined) return objection;
  }
  return undefined;
}
