import { AssayError, InterruptedError, type Random } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import {
  type CompiledModel,
  compile,
  type LayerGroup,
  type Model,
} from "#model";
import { copyOf, type FloatTensor, type Tensor } from "#onnx";
import { batchOf, type Drawn, drawing, prepared } from "./batches.ts";
import { weighted } from "./class-weights.ts";
import { criterionOf } from "./loss-graph.ts";
import type { Moment, OpenPart, TrainingPart } from "./part.ts";
import { byTemperature } from "./sampling.ts";
import type { TrainingSettings } from "./settings.ts";
import { openSlope, type Slope } from "./slope.ts";
import { openStep, type TrainingStep } from "./step.ts";
import type { Stage } from "./strategies/index.ts";
import { validate } from "./validation.ts";

/** One line of a training curve. */
export interface Epoch {
  readonly epoch: number;
  readonly stage: number;
  /** Names of the layer groups that were trained. */
  readonly trainable: string[];
  /** At the last step of the epoch. */
  readonly learningRate: number;
  readonly trainLoss: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
  /** Means over the epoch of what the losses recorded, and what parts found on the validation data; absent where there is nothing. */
  readonly records?: Record<string, number>;
  /** Whether these weights were the ones kept. */
  best: boolean;
}

export interface TuneInput {
  readonly model: Model;
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly groups: readonly LayerGroup[];
  readonly stages: readonly Stage[];
  readonly settings: TrainingSettings;
  /** What is changed of plain training behind the settings' augmentations, in this order: proactive defences, regularisers. */
  readonly parts?: readonly OpenPart[];
  readonly engine: Engine;
  readonly random: Random;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (epoch: Epoch, total: number) => void;
  /** Gets the model at the weights after each epoch that counts, and as it was when the stage began. */
  readonly onWeights?: (epoch: Epoch, model: Model, probed: Model) => void;
}

export interface Tuned {
  readonly model: Model;
  /** The model as it was when the last stage began. */
  readonly probed: Model;
  readonly history: Epoch[];
  /** "finished", "early stop", or why training broke off. */
  readonly ended: string;
  /** What parts state of the whole training. */
  readonly facts: Readonly<Record<string, number>>;
  /** Rows of the training data that no step drew before these weights were kept. */
  readonly unseen: readonly number[];
}

/** Values by weight name. */
type Weights = Map<string, FloatTensor>;

/** What the best epoch so far left. */
interface Best {
  readonly weights: Weights;
  readonly parameters: Weights;
  readonly epoch: Epoch;
}

/** A training as it goes on. */
interface Run extends TuneInput {
  readonly opened: readonly TrainingPart[];
  readonly drawn: (step: number) => Drawn;
  readonly stepsPerEpoch: number;
  readonly steps: number;
}

/**
 * Trains the stages one after the other and returns the model with the weights
 * of the best epoch: the highest validation accuracy, then the lowest
 * validation loss. Weights outside the trained groups are the same arrays.
 *
 * Each stage starts its optimiser afresh; the schedule runs over all stages.
 * Early stopping looks at the last stage only.
 *
 * @throws TRAINING_DIVERGED when not even the first epoch gave finite losses
 * @throws TRAINING_PARTS when parts cannot be combined
 */
export async function tune(input: TuneInput): Promise<Tuned> {
  const { settings, stages } = input;
  const run = begin(input);
  const { stepsPerEpoch } = run;
  const epochs = stages.reduce((sum, s) => sum + s.epochs, 0);
  const course = settings.schedule.unit.course(
    settings.schedule.params,
    run.steps,
    stepsPerEpoch,
  );
  const rateAt = (step: number) => settings.learningRate * course.factor(step);
  const history: Epoch[] = [];
  let current: Weights = new Map();
  let probed = input.model;
  let parameters: TrainingStep["parameters"] = new Map();
  let best: Best | undefined;
  let ended = "finished";
  const keepsLast = run.opened.some((p) => p.keeps === "last");

  training: for (const [number, stage] of stages.entries()) {
    probed = withWeights(input.model, current);
    const open = await openStage(run, stage, current, parameters);
    let lowest = Number.POSITIVE_INFINITY;
    let waited = 0;
    try {
      for (let e = 0; e < stage.epochs; e++) {
        const epoch = history.length + 1;
        const trained = await trainEpoch(run, open, epoch, rateAt);
        const validation = await judge(run, open, epoch);
        const line: Epoch = {
          epoch,
          stage: number + 1,
          trainable: [...stage.rates.keys()],
          learningRate: rateAt(epoch * stepsPerEpoch - 1),
          trainLoss: trained.loss,
          validationLoss: validation.loss,
          validationAccuracy: validation.accuracy,
          ...(trained.records || validation.records
            ? { records: { ...trained.records, ...validation.records } }
            : {}),
          best: false,
        };
        if (
          !Number.isFinite(trained.loss) ||
          !Number.isFinite(validation.loss)
        ) {
          ended = diverged(epoch, settings.learningRate, best?.epoch);
          break training;
        }
        history.push(line);
        const objection = await check(run, open, epoch);
        const keep = keepsLast || isBetter(line, best?.epoch);
        if (objection === undefined && keep) {
          best = {
            weights: new Map([...current, ...copies(open.step.weights)]),
            parameters: copies(open.step.parameters),
            epoch: line,
          };
        }
        if (course.observe?.(validation) && best) goBack(open.step, best);
        input.onEpoch?.(line, epochs);
        input.onWeights?.(
          line,
          withWeights(
            input.model,
            new Map([...current, ...copies(open.step.weights)]),
          ),
          probed,
        );
        if (objection !== undefined) {
          ended = objection + kept(best?.epoch);
          break training;
        }
        waited = validation.loss < lowest ? 0 : waited + 1;
        lowest = Math.min(lowest, validation.loss);
        if (
          number === stages.length - 1 &&
          settings.patience !== null &&
          waited >= settings.patience
        ) {
          ended = "early stop";
          break training;
        }
      }
    } finally {
      current = new Map([...current, ...open.step.weights]);
      parameters = open.step.parameters;
      await open.release();
    }
  }
  if (!best) {
    throw new AssayError(
      "TRAINING_DIVERGED",
      `the first epoch of training gave a loss that is not a number (learning rate ${settings.learningRate})`,
      "Lower learningRate, or set clipNorm.",
    );
  }
  best.epoch.best = true;
  const facts = Object.assign({}, ...run.opened.map((p) => p.facts?.()));
  const model = withWeights(input.model, best.weights);
  return {
    model,
    probed,
    history,
    ended,
    facts,
    unseen: unseenBy(run, best.epoch.epoch),
  };
}

/** Rows that no step of the first epochs drew: parts may draw at random, or use a batch for several steps. */
function unseenBy(
  { opened, random, settings, train, stepsPerEpoch }: Run,
  epochs: number,
): number[] {
  const drawn = drawing(train.y.length, settings.batchSize, opened, random);
  const seen = new Set<number>();
  for (let step = 0; step < epochs * stepsPerEpoch; step++)
    for (const row of drawn(step).rows) seen.add(row);
  return Array.from(train.y.keys()).filter((row) => !seen.has(row));
}

/** Opens the parts and settles the order of the data. */
function begin(input: TuneInput): Run {
  const { model, train, settings, stages, groups, random } = input;
  const { augment, classWeights, samplingTemperature } = settings;
  // What parts of the caller make is made of batches as they are drawn and augmented.
  const parts: OpenPart[] = [
    ...augment.map(
      ({ unit, params }): OpenPart =>
        (context) =>
          unit.open(params, context),
    ),
    ...(classWeights ? [weighted(classWeights, train)] : []),
    ...(samplingTemperature ? [byTemperature(samplingTemperature, train)] : []),
    ...(input.parts ?? []),
  ];
  const samples = train.y.length;
  const { batchSize } = settings;
  const stepsPerEpoch = Math.ceil(samples / batchSize);
  const steps = stepsPerEpoch * stages.reduce((sum, s) => sum + s.epochs, 0);
  const trained = groups
    .filter((g) => stages.some((s) => s.rates.has(g.name)))
    .flatMap((g) => g.parameters);
  const opened = parts.map((open, i) =>
    open({
      model,
      engine: input.engine,
      trained,
      samples,
      batchSize,
      steps,
      stepsPerEpoch,
      random: random.fork(`part ${i}`),
    }),
  );
  const drawn = drawing(samples, batchSize, opened, random);
  return { ...input, opened, drawn, steps, stepsPerEpoch };
}

/** The model with some constants replaced. */
function withWeights(model: Model, weights: Weights): Model {
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

/** The weights as they are now. */
const copies = (weights: TrainingStep["weights"]): Weights =>
  new Map([...weights].map(([name, t]) => [name, copyOf(t)]));

/** Puts the best weights into a step. */
function goBack(step: TrainingStep, { weights, parameters }: Best): void {
  for (const [name, { data }] of step.weights)
    data.set((weights.get(name) as FloatTensor).data);
  for (const [name, { data }] of step.parameters)
    data.set((parameters.get(name) as FloatTensor).data);
}

interface OpenStage {
  readonly step: TrainingStep;
  /** The model at the current weights. */
  readonly compiled: CompiledModel;
  readonly slope: Slope;
  release(): Promise<void>;
}

async function openStage(
  { model, groups, settings, engine, opened }: Run,
  stage: Stage,
  current: Weights,
  parameters: TrainingStep["parameters"],
): Promise<OpenStage> {
  const here = withWeights(model, current);
  const rates = new Map<string, number>();
  for (const group of groups) {
    const rate = stage.rates.get(group.name);
    if (rate !== undefined)
      for (const name of group.parameters) rates.set(name, rate);
  }
  const options = { settings, parts: opened, parameters };
  const step = await openStep(here, rates, options, engine);
  const compiled = await compile(here, engine, { weights: step.weights });
  const slope = openSlope(here, step.weights, opened, engine);
  return {
    step,
    compiled,
    slope,
    async release() {
      await step.release();
      await slope.release();
      await compiled.release();
    },
  };
}

/** Takes the steps of an epoch; returns the mean loss and the means of what was recorded. */
async function trainEpoch(
  run: Run,
  open: OpenStage,
  epoch: number,
  rateAt: (step: number) => number,
): Promise<{ loss: number; records?: Record<string, number> }> {
  const sums = new Map<string, number>();
  let sum = 0;
  let samples = 0;
  for (let s = 0; s < run.stepsPerEpoch; s++) {
    if (run.signal?.aborted) throw new InterruptedError();
    const step = (epoch - 1) * run.stepsPerEpoch + s;
    const { rows, pass } = run.drawn(step);
    const moment = momentOf(run, open, epoch, step, pass, rows);
    const batch = batchOf(run.train, rows, floatTargets(run));
    const ready = await prepared(run.opened, batch, moment);
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
    ...(means.length > 0 ? { records: Object.fromEntries(means) } : {}),
  };
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
  const named = pass === "validation" ? "validation " : `${pass}/`;
  let batchRandom: Random | undefined;
  let each: Random[] | undefined;
  return {
    model: compiled,
    slope: slope.at,
    // Plain training draws nothing from them.
    get random() {
      each ??= rows.map((i) => random.fork(`sample ${named}${i}`));
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

function judge(run: Run, open: OpenStage, epoch: number) {
  const { validation } = run;
  const rows = Array.from(validation.y, (_, i) => i);
  const step = epoch * run.stepsPerEpoch;
  return validate(
    batchOf(validation, rows, floatTargets(run)),
    momentOf(run, open, epoch, step, "validation", rows),
    run.opened,
  );
}

/** What a part has against the weights after an epoch, which it looks at on the epoch's first batch. */
async function check(
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

function isBetter(line: Epoch, best: Epoch | undefined): boolean {
  if (!best) return true;
  if (line.validationAccuracy !== best.validationAccuracy)
    return line.validationAccuracy > best.validationAccuracy;
  return line.validationLoss < best.validationLoss;
}

const kept = (best: Epoch | undefined) =>
  best ? `; the weights of epoch ${best.epoch} were kept` : "";

function diverged(
  epoch: number,
  rate: number,
  best: Epoch | undefined,
): string {
  return `the loss of epoch ${epoch} is not a number (learning rate ${rate})${kept(best)}`;
}
