import { decisions, measured, REFUSED, rate } from "#audit";
import type { Dataset } from "#data";
import { type Model, mayRefuse } from "#model";
import type { Rate } from "#results";
import { type OpenModel, whileOpen } from "./open.ts";
import { type Samples, samplesFor } from "./samples.ts";

/** How well a model does on clean samples. */
export interface Evaluation {
  /** The share that is right, with its 95 % interval (Clopper-Pearson). */
  readonly accuracy: Rate;
  /** Whether each sample is right, [N]. */
  readonly correct: readonly boolean[];
  /** The share that a detector refuses to answer, which counts as wrong. */
  readonly rejected?: Rate;
  /**
   * How far outputs are from their targets, such as "mean absolute error" of a model of
   * values; empty for a classifier.
   */
  readonly measures: readonly {
    readonly name: string;
    readonly value: number;
    readonly interval?: { readonly low: number; readonly high: number };
  }[];
}

/**
 * How well a model does on samples, without any attack.
 *
 * @param model one that is open already is not opened again, and stays open
 * @param data a dataset, whose numbers are in [0, 1], or arrays in the unit of the
 *   model's input bounds
 * @throws INPUT_SHAPE, INPUT_VALUE, INPUT_LABEL, or what a dataset lacks: DATA_SHAPE,
 *   DATA_BOUNDS, DATA_CLASSES, DATA_TARGETS
 * @example
 * ```ts
 * import { evaluate, loadData, loadModel, splitData } from "assay";
 *
 * const { test } = splitData(await loadData({ source: "digits" }));
 * const { accuracy } = await evaluate(await loadModel("digits.onnx"), test);
 * console.log(accuracy.value, accuracy.low, accuracy.high);
 * ```
 */
export const evaluate = (
  model: Model | OpenModel,
  data: Dataset | Samples,
): Promise<Evaluation> =>
  whileOpen(model, async ({ model, compiled }) => {
    const { x, y, targets } = samplesFor(data, model);
    const answers = await compiled.answers(x);
    const said = decisions(model, answers, targets);
    const correct = Array.from(y, (k, i) => said[i] === k);
    const count = (all: Iterable<boolean>) =>
      rate(Array.from(all).filter(Boolean).length, y.length);
    return {
      accuracy: count(correct),
      correct,
      rejected: mayRefuse(model.detectors)
        ? count(Array.from(said, (k) => k === REFUSED))
        : undefined,
      measures: measured(model, answers.logits, targets),
    };
  });
