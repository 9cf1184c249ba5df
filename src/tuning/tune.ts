import { AssayError, type Chosen, InterruptedError, type Random } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import {
  type CompiledModel,
  compile,
  type LayerGroup,
  type Model,
} from "#model";
import { copyOf, type FloatTensor, type Tensor, takeRows } from "#onnx";
import type { TrainingSettings } from "./settings.ts";
import { openStep, type TrainingStep } from "./step.ts";
import type { Stage } from "./strategies/index.ts";
import type { TrainingDefense } from "./training-defense.ts";

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
  /** A proactive defence, which also changes what the best epoch is chosen by. */
  readonly defense?: Chosen<TrainingDefense> | null;
  readonly engine: Engine;
  readonly random: Random;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (epoch: Epoch, total: number) => void;
}

export interface Tuned {
  readonly model: Model;
  /** The model as it was when the last stage began. */
  readonly probed: Model;
  readonly history: Epoch[];
  /** "finished", "early stop", or why training broke off. */
  readonly ended: string;
}

/** Values by weight name. */
type Weights = Map<string, FloatTensor>;

/**
 * Trains the stages one after the other and returns the model with the weights
 * of the best epoch: the highest validation accuracy, then the lowest
 * validation loss. Weights outside the trained groups are the same arrays.
 *
 * Each stage starts its optimiser afresh; the schedule runs over all stages.
 * Early stopping looks at the last stage only.
 *
 * @throws TRAINING_DIVERGED when not even the first epoch gave finite losses
 */
export async function tune(input: TuneInput): Promise<Tuned> {
  const { settings, stages, train } = input;
  const stepsPerEpoch = Math.ceil(train.y.length / settings.batchSize);
  const epochs = stages.reduce((sum, s) => sum + s.epochs, 0);
  const course = settings.schedule.unit.course(
    settings.schedule.params,
    epochs * stepsPerEpoch,
    stepsPerEpoch,
  );
  const history: Epoch[] = [];
  let current: Weights = new Map();
  let probed = input.model;
  let best: { weights: Weights; epoch: Epoch } | undefined;
  let ended = "finished";

  training: for (const [number, stage] of stages.entries()) {
    probed = withWeights(input.model, current);
    const run = await openStage(input, stage, current);
    let lowest = Number.POSITIVE_INFINITY;
    let waited = 0;
    try {
      for (let e = 0; e < stage.epochs; e++) {
        const epoch = history.length + 1;
        const rateAt = (step: number) =>
          settings.learningRate *
          course.factor((epoch - 1) * stepsPerEpoch + step);
        const trainLoss = await trainEpoch(input, run, epoch, rateAt);
        const validation = await validate(input, run.compiled);
        const line: Epoch = {
          epoch,
          stage: number + 1,
          trainable: [...stage.rates.keys()],
          learningRate: rateAt(stepsPerEpoch - 1),
          trainLoss,
          validationLoss: validation.loss,
          validationAccuracy: validation.accuracy,
          best: false,
        };
        if (!Number.isFinite(trainLoss) || !Number.isFinite(validation.loss)) {
          ended = diverged(epoch, settings.learningRate, best?.epoch);
          break training;
        }
        history.push(line);
        course.observe?.(validation.loss);
        if (isBetter(line, best?.epoch)) {
          best = {
            weights: new Map([...current, ...copies(run.step.weights)]),
            epoch: line,
          };
        }
        input.onEpoch?.(line, epochs);
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
      current = new Map([...current, ...run.step.weights]);
      await run.release();
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
  const model = withWeights(input.model, best.weights);
  return { model, probed, history, ended };
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

interface OpenStage {
  readonly step: TrainingStep;
  /** The model at the current weights. */
  readonly compiled: CompiledModel;
  release(): Promise<void>;
}

async function openStage(
  { model, groups, settings, engine }: TuneInput,
  stage: Stage,
  current: Weights,
): Promise<OpenStage> {
  const here = withWeights(model, current);
  const rates = new Map<string, number>();
  for (const group of groups) {
    const rate = stage.rates.get(group.name);
    if (rate !== undefined)
      for (const name of group.parameters) rates.set(name, rate);
  }
  const step = await openStep(here, rates, settings, engine);
  const compiled = await compile(here, engine, { weights: step.weights });
  return {
    step,
    compiled,
    async release() {
      await step.release();
      await compiled.release();
    },
  };
}

/** One pass over the training data in a new order; returns the mean loss. */
async function trainEpoch(
  input: TuneInput,
  run: OpenStage,
  epoch: number,
  rateAt: (step: number) => number,
): Promise<number> {
  const { train, settings, random, signal } = input;
  const order = random.fork(`order ${epoch}`).permutation(train.y.length);
  let sum = 0;
  let steps = 0;
  for (let from = 0; from < order.length; from += settings.batchSize) {
    if (signal?.aborted) throw new InterruptedError();
    const batch = order.slice(from, from + settings.batchSize);
    const loss = await trainStep(input, run, batch, epoch, rateAt(steps++));
    sum += loss * batch.length;
    if (!Number.isFinite(loss)) return Number.NaN;
  }
  return sum / order.length;
}

async function trainStep(
  input: TuneInput,
  run: OpenStage,
  batch: readonly number[],
  epoch: number,
  rate: number,
): Promise<number> {
  const { train } = input;
  const y = Int32Array.from(batch, (i) => train.y[i] as number);
  const x = await transformed(
    input,
    run.compiled,
    takeRows(train.x, batch),
    y,
    batch.map((i) => `${epoch}/${i}`),
  );
  return run.step.take(x, y, rate);
}

/** The inputs that are really trained or validated on: those of the proactive defence, where there is one. */
async function transformed(
  { defense, model, random }: TuneInput,
  compiled: CompiledModel,
  x: FloatTensor,
  y: Int32Array,
  samples: readonly string[],
): Promise<FloatTensor> {
  if (!defense) return x;
  return defense.unit.transform(
    {
      x,
      y,
      model: compiled,
      bounds: model.contract.bounds,
      random: samples.map((s) => random.fork(`sample ${s}`)),
    },
    defense.params,
  );
}

async function validate(
  input: TuneInput,
  compiled: CompiledModel,
): Promise<{ loss: number; accuracy: number }> {
  const { x, y } = input.validation;
  const seen = await transformed(
    input,
    compiled,
    x,
    y,
    Array.from(y, (_, i) => `validation ${i}`),
  );
  return lossAndAccuracy(await compiled.logits(seen), y);
}

/** Mean cross-entropy and share of right predictions. */
function lossAndAccuracy(
  logits: FloatTensor,
  y: Int32Array,
): { loss: number; accuracy: number } {
  const classes = logits.dims[1] ?? 0;
  let loss = 0;
  let right = 0;
  y.forEach((label, i) => {
    const row = logits.data.subarray(i * classes, (i + 1) * classes);
    const top = Math.max(...row);
    const total = row.reduce((sum, z) => sum + Math.exp(z - top), 0);
    loss += Math.log(total) + top - (row[label] as number);
    if (row[label] === top) right++;
  });
  return { loss: loss / y.length, accuracy: right / y.length };
}

function isBetter(line: Epoch, best: Epoch | undefined): boolean {
  if (!best) return true;
  if (line.validationAccuracy !== best.validationAccuracy)
    return line.validationAccuracy > best.validationAccuracy;
  return line.validationLoss < best.validationLoss;
}

function diverged(
  epoch: number,
  rate: number,
  kept: Epoch | undefined,
): string {
  const rest = kept ? `; the weights of epoch ${kept.epoch} were kept` : "";
  return `the loss of epoch ${epoch} is not a number (learning rate ${rate})${rest}`;
}
