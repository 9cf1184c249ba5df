import {
  checkArgument,
  fineTuningFrom,
  oneCandidate,
  planTuning,
} from "#audit";
import { Random, type Unit } from "#core";
import type { Dataset } from "#data";
import { type EngineChoice, openEngine } from "#engine";
import { type Model, type TaskInput, taskSchema } from "#model";
import {
  type Epoch,
  type Schedule,
  type ScheduleFunction,
  type Strategy,
  scheduleOf,
  type TrainingDefense,
} from "#tuning";
import { ownUnits } from "#units";
import { type Choice, isUnit, parted } from "./choice.ts";

/** A name that `assay list` shows; with parameters as `{ id, ...parameters }`. */
export type Named =
  | string
  | { readonly id: string; readonly [parameter: string]: unknown };

/** How a base is fine-tuned. What is left out is as in a suite. */
export interface FineTuneOptions {
  /** Its classes are those of the new head. */
  readonly train: Dataset;
  /** Chooses the epoch that is kept. */
  readonly validation: Dataset;
  /**
   * Which layers are trained when, such as "full", "head-only" or "lora"; left out only
   * for an adaptation that needs no source.
   */
  readonly strategy?: Choice<Strategy>;
  /** Proactive defences, such as "pgd-at". */
  readonly training?:
    | Choice<TrainingDefense>
    | readonly Choice<TrainingDefense>[];
  /** What holds the weights near to the base, such as "l2-sp". */
  readonly regularizer?: Named;
  /** How it learns from unlabelled data of another domain, such as "coral". */
  readonly adaptation?: Named;
  /** Data of that domain, whose labels are not looked at; `train` when left out. */
  readonly target?: Dataset;
  /** The layer group whose features the new head reads; the last when left out. */
  readonly cut?: string;
  /** Names or patterns of what may be trained; found by their use when left out. */
  readonly trainable?: readonly string[];
  /** What the outputs mean; one class a sample when left out. */
  readonly task?: TaskInput;
  /** 30 when left out. */
  readonly epochs?: number;
  /** 32 when left out. */
  readonly batchSize?: number;
  /** 0.001 when left out. */
  readonly learningRate?: number;
  /** "adamw" when left out. */
  readonly optimizer?: Named;
  /** "constant" when left out; or the share of the rate at a step of all steps. */
  readonly schedule?: Choice<Schedule> | ScheduleFunction;
  /** Gradients are scaled down to this norm; no limit when left out. */
  readonly clipNorm?: number | null;
  /** Whether batch normalisation keeps its statistics; "frozen" when left out. */
  readonly batchNorm?: "frozen" | "batch";
  /** Changes of training batches, in this order. */
  readonly augment?: readonly Named[];
  /** Augmented views of each sample; new ones in every pass when left out. */
  readonly views?: number;
  /** How much samples of each class count, by name; or "balanced". */
  readonly classWeights?: "balanced" | ReadonlyMap<string, number> | null;
  /** Draws classes by their count to the power of 1 / temperature. */
  readonly samplingTemperature?: number | null;
  /** Epochs without a better validation loss that end it; 10, null for never. */
  readonly patience?: number | null;
  /** Whole, from 0; 0 when left out. */
  readonly seed?: number;
  /** What trains; see `open`. */
  readonly engine?: EngineChoice;
  /** Ends the training within an epoch, by an InterruptedError. */
  readonly signal?: AbortSignal;
  /** Told each epoch, and how many there are at most. */
  readonly onEpoch?: (epoch: Epoch, epochs: number) => void;
}

/** A fine-tuned model, and how it came to be. */
export interface FineTuned {
  readonly model: Model;
  /** One line for each epoch. */
  readonly history: readonly Epoch[];
  /** "finished", "early stop", or why training broke off. */
  readonly ended: string;
  /** Numbers that could change; null for an adaptation that needs no source. */
  readonly trainableParameters: number | null;
  /** What defences state of the training, such as the epsilon of dp-sgd. */
  readonly facts: Readonly<Record<string, number>>;
}

/**
 * Fine-tunes a base with a new head for the classes of the data, as a suite would: with
 * the same data, settings and seed it has the same weights. Those of the epoch with the
 * best validation accuracy are kept.
 *
 * @throws ARGUMENT_INVALID for what no suite could state; TRAINING_DIVERGED where not
 *   even the first epoch gave a finite loss; HEAD_UNKNOWN, CUT_UNKNOWN for a base that
 *   no head can be put on; INTERRUPTED
 * @example
 * ```ts
 * import { evaluate, fineTune, loadData, loadModel } from "assay";
 * import { saveModel, selectClasses, splitData } from "assay";
 *
 * const digits = selectClasses(await loadData({ source: "digits" }), ["5", "6", "7"]);
 * const { train, validation, test } = splitData(digits);
 * const { model, history } = await fineTune(await loadModel("digits.onnx"), {
 *   train,
 *   validation,
 *   strategy: "head-only",
 *   epochs: 3,
 *   learningRate: 0.003,
 * });
 * console.log(history.length, model.classes); // 3 [ '5', '6', '7' ]
 * console.log((await evaluate(model, test)).accuracy.value);
 * saveModel("tuned.onnx", model);
 * ```
 */
export async function fineTune(
  base: Model,
  options: FineTuneOptions,
): Promise<FineTuned> {
  const { train, validation, target = train, task, seed = 0 } = options;
  const { signal, onEpoch } = options;
  const candidate = candidateOf(options);
  const random = new Random(seed);
  const how = { engine: await openEngine(options.engine), signal, onEpoch };
  if (candidate.kind === "adapted") {
    const { unit, params } = candidate.adaptation;
    const input = {
      ...how,
      model: base,
      target,
      random: random.fork("adaptation"),
    };
    const found = await unit.adapt(input, params);
    return { ...found, trainableParameters: null, facts: {} };
  }
  const planned = planTuning(
    fineTuningFrom(base, candidate, {
      ...{ train, validation, target },
      task: task && checkArgument(task, "task", taskSchema),
      random: random.fork("candidate"),
    }),
  );
  const { model, training } = await planned.run(how);
  const { history, ended, facts } = training;
  const { trainableParameters } = planned;
  return { model, history, ended, trainableParameters, facts };
}

/** What is stated, as a candidate of a suite. */
function candidateOf({
  train: _train,
  validation: _validation,
  target: _target,
  task: _task,
  seed: _seed,
  engine: _engine,
  signal: _signal,
  onEpoch: _onEpoch,
  strategy,
  training,
  schedule,
  ...stated
}: FineTuneOptions) {
  const own = {
    strategies: [] as Strategy[],
    trainingDefenses: [] as TrainingDefense[],
    schedules: [] as Schedule[],
  };
  const isOurs = typeof schedule !== "function";
  const candidate = oneCandidate(
    {
      ...stated,
      strategy: strategy && named(strategy, own.strategies),
      training:
        training &&
        [training].flat().map((one) => named(one, own.trainingDefenses)),
      schedule: schedule && isOurs ? named(schedule, own.schedules) : undefined,
    },
    "options",
    {
      ...ownUnits,
      strategies: beside(own.strategies, ownUnits.strategies),
      trainingDefenses: beside(own.trainingDefenses, ownUnits.trainingDefenses),
      schedules: beside(own.schedules, ownUnits.schedules),
    },
  );
  if (isOurs || candidate.kind === "adapted") return candidate;
  const settings = { ...candidate.settings, schedule: scheduleOf(schedule) };
  return { ...candidate, settings };
}

/** A choice as a suite writes it. A unit that is given goes to `own`. */
function named<U extends Unit>(choice: Choice<U>, own: U[]): Named {
  const { id, params } = parted(choice);
  if (!isUnit<U>(id)) return { id, ...params };
  own.push(id);
  return { id: id.id, ...params };
}

/** Units of one's own, and those of ours that have other names. */
const beside = <U extends Unit>(own: readonly U[], ours: readonly U[]): U[] => [
  ...own,
  ...ours.filter(({ id }) => !own.some((one) => one.id === id)),
];
