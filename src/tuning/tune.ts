import { AssayError } from "#core";
import { copyOf, type FloatTensor } from "#onnx";
import { drawing } from "./batches.ts";
import { weighted } from "./class-weights.ts";
import { lossGraph } from "./loss-graph.ts";
import type { OpenPart, TrainingPart } from "./part.ts";
import { byTemperature } from "./sampling.ts";
import { openShelf } from "./shelf.ts";
import {
  check,
  judge,
  openStage,
  trainEpoch,
  type Weights,
  withWeights,
} from "./stage.ts";
import type { TrainingStep } from "./step.ts";
import type { Epoch, Run, Tuned, TuneInput } from "./training.ts";
import { requireViews } from "./views.ts";

/** What the best epoch so far left. */
interface Best {
  readonly weights: Weights;
  readonly parameters: Weights;
  readonly epoch: Epoch;
}

/**
 * Trains the stages one after the other and returns the model with the weights
 * of the best epoch: the highest validation accuracy, then the lowest
 * validation loss. Weights outside the trained groups are the same arrays.
 *
 * Each stage starts its optimiser afresh. The schedule runs over all stages. Early
 * stopping looks at the last stage only.
 *
 * @throws TRAINING_DIVERGED when not even the first epoch gave finite losses
 * @throws TRAINING_PARTS when parts cannot be combined
 */
export async function tune(input: TuneInput): Promise<Tuned> {
  const own = input.shelf ? undefined : openShelf();
  try {
    return await tuneOn({ ...input, shelf: input.shelf ?? own });
  } finally {
    own?.release();
  }
}

async function tuneOn(input: TuneInput): Promise<Tuned> {
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
          records:
            trained.records || validation.records
              ? { ...trained.records, ...validation.records }
              : undefined,
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
      // The step's own arrays hold on to all of its optimiser's.
      current = new Map([...current, ...copies(open.step.weights)]);
      parameters = copies(open.step.parameters);
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
  const facts = Object.assign(
    settings.views === undefined
      ? {}
      : { "views of each sample": settings.views },
    ...run.opened.map((p) => p.facts?.()),
  );
  const model = withWeights(input.model, best.weights);
  return {
    model,
    probed,
    history,
    ended,
    facts,
    claims: run.opened.flatMap((p) => p.claim ?? []),
    unseen: unseenBy(run, best.epoch.epoch),
  };
}

/**
 * Refuses what `tune` would refuse before its first step: parts that do not go
 * together, or with the model and its data. Nothing is run.
 *
 * @throws TRAINING_CLASSES, TRAINING_PARTS, or what parts throw
 */
export function rehearse(input: TuneInput): void {
  const { opened } = begin(input);
  const { model, groups, stages, settings, engine } = input;
  for (const { rates } of stages) {
    const names = groups
      .filter((g) => rates.has(g.name))
      .flatMap((g) => g.parameters);
    lossGraph(model, names, settings.batchNorm, opened, engine);
  }
}

/**
 * Rows that no step of the first epochs drew: parts may draw at random, or use a batch
 * for several steps.
 */
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
  requireViews(settings);
  const opened = parts.map((open, i) =>
    open({
      model,
      engine: input.engine,
      trained,
      samples,
      batchSize,
      steps,
      stepsPerEpoch,
      own: train,
      random: random.fork(`part ${i}`),
    }),
  );
  requireAlone(opened, settings);
  const drawn = drawing(samples, batchSize, opened, random);
  const augmenting = opened.slice(0, augment.length);
  const others = opened.slice(augment.length);
  return {
    ...input,
    ...{ opened, augmenting, others },
    ...{ drawn, steps, stepsPerEpoch },
  };
}

/**
 * Refuses what would break the promise of a part that answers for each sample alone.
 */
function requireAlone(
  opened: readonly TrainingPart[],
  { batchNorm, classWeights }: TuneInput["settings"],
): void {
  if (!opened.some((p) => p.perSample)) return;
  const others = opened.filter((p) => !p.perSample);
  const found = [
    batchNorm === "batch" && "batch normalisation mixes samples",
    classWeights !== null && "class weights weigh samples against each other",
    others.some((p) => p.draw) && "another part draws the batches",
    others.some((p) => p.repeats) && "another part repeats batches",
    others.some((p) => p.check) && "another part looks at training samples",
  ].find((what) => what !== false);
  if (found === undefined) return;
  throw new AssayError(
    "TRAINING_PARTS",
    `a part answers for what each sample does alone, and ${found}`,
    "Train without the one or the other.",
  );
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
