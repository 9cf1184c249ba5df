import { type LossName, lossOf } from "#autodiff";
import { AssayError } from "#core";
import type { Engine, LoadOptions, Session } from "#engine";
import {
  type FloatTensor,
  type Graph,
  GraphBuilder,
  int,
  rows,
  type Tensor,
} from "#onnx";
import { gradientRows } from "./batches.ts";
import { addRefusal } from "./detection.ts";
import { mayRefuse } from "./detector.ts";
import { loadGradient } from "./differentiated.ts";
import { type Model, outputsOf } from "./model.ts";
import { meaningOf } from "./tasks/index.ts";

/** What is differentiated. */
export interface Objective {
  /** That of the model's task when left out: cross-entropy for a classifier. */
  readonly loss?: LossName;
  /**
   * What the outputs should be [N, outputs], or [N, positions], where the task is not
   * one of classes.
   */
  readonly targets?: FloatTensor;
  /**
   * The class that each sample is to be taken for, or the distribution [N, classes]
   * that it is compared with, where the loss needs one.
   */
  readonly aims?: ArrayLike<number> | FloatTensor;
  /**
   * The true classes, where the labels are others. A loss of a model that may
   * refuse to answer is taken as its attacker sees it; see `asAttacked`.
   */
  readonly truth?: ArrayLike<number>;
}

/**
 * A model with a loss behind it and the gradient of that at its input, ready to run.
 */
export interface LossPass {
  readonly session: Session;
  /** The value that is the gradient. */
  readonly gradient: string;
  /** Which of labels, true classes and targets it takes. */
  readonly asked: ReadonlySet<string>;
  /** Samples that it takes at once. */
  readonly rows: number;
}

const LABELS = "assay.labels";
const AIMS = "assay.aims";
const TARGETS = "assay.targets";
const TRUTH = "assay.truth";
/** The loss of each sample. */
export const LOSS = "assay.loss";

/** Puts a loss behind a model, and its gradient. */
export async function openLoss(
  model: Model,
  graph: Graph,
  engine: Engine,
  name: LossName,
  options: LoadOptions,
): Promise<LossPass> {
  const meaning = meaningOf(model);
  const { detectors = [] } = model;
  const loss = lossOf(name, meaning.classes);
  const point = model.embedding ?? model.input;
  const b = new GraphBuilder(graph, "loss/");
  const counted = (value: string) =>
    meaning.counted
      ? b.op("Gather", [value, b.ints(meaning.counted)], { axis: int(1) })
      : value;
  const asked = new Set<string>();
  if (meaning.targets) {
    const width = outputsOf(model);
    const dims = ["batch", meaning.targetWidth?.(width) ?? width];
    asked.add(b.input({ name: TARGETS, type: "float32", dims }));
  }
  const outputs = counted(model.logits);
  if (loss.targets) {
    const wanted = counted(TARGETS);
    b.rename(
      loss.build(
        b,
        meaning.measured?.(b, outputs, "outputs") ?? outputs,
        meaning.measured?.(b, wanted, "targets") ?? wanted,
        "",
      ),
      LOSS,
    );
  } else {
    asked.add(b.input({ name: LABELS, type: "int64", dims: ["batch"] }));
    if (loss.aims === "class")
      b.input({ name: AIMS, type: "int64", dims: ["batch"] });
    if (loss.aims === "distribution") {
      const dims = ["batch", meaning.classes];
      b.input({ name: AIMS, type: "float32", dims });
    }
    const classes = meaning.targets
      ? meaning.build(b, outputs, counted(TARGETS))
      : outputs;
    if (mayRefuse(detectors))
      asked.add(b.input({ name: TRUTH, type: "int64", dims: ["batch"] }));
    const seen = addRefusal(b, classes, detectors, TRUTH);
    b.rename(loss.build(b, seen, LABELS, AIMS), LOSS);
  }
  const { session, gradients, ...made } = await loadGradient(
    engine,
    b.build([model.logits, ...detectors.map((d) => d.score), LOSS]),
    { of: LOSS, wrt: [point], straightThrough: model.straightThrough },
    options,
  );
  return {
    session,
    gradient: gradients.get(point) as string,
    asked,
    rows: gradientRows(graph, engine, made.graph),
  };
}

/** What a pass takes of so many samples, besides what the model does. */
export function feedsOf(
  asked: LossPass["asked"],
  labels: ArrayLike<number>,
  { aims, targets, truth = labels }: Objective,
  from: number,
  count: number,
): Record<string, Tensor> {
  const to = from + count;
  const classes = (all: ArrayLike<number>) =>
    labelTensor(Array.prototype.slice.call(all, from, to));
  return {
    ...(asked.has(LABELS) ? { [LABELS]: classes(labels) } : {}),
    ...(asked.has(TRUTH) ? { [TRUTH]: classes(truth) } : {}),
    ...(asked.has(TARGETS)
      ? { [TARGETS]: rows(wanted(targets), from, to) }
      : {}),
    ...(aims
      ? { [AIMS]: "dims" in aims ? rows(aims, from, to) : classes(aims) }
      : {}),
  };
}

/** @throws TARGETS_MISSING */
function wanted(targets: FloatTensor | undefined): FloatTensor {
  if (targets) return targets;
  throw new AssayError(
    "TARGETS_MISSING",
    "the loss compares the outputs with targets, and none were given",
    "Use data with targets, and attacks and training defences that pass them on.",
  );
}

/** Labels as the int64 vector that the loss reads. */
export function labelTensor(labels: ArrayLike<number>): Tensor<"int64"> {
  return {
    type: "int64",
    dims: [labels.length],
    data: BigInt64Array.from(Array.from(labels), BigInt),
  };
}
