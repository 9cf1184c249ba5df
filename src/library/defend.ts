import { fitOn, learns } from "#audit";
import { UsageError } from "#core";
import type { Dataset } from "#data";
import {
  type ChosenDefense,
  type Detector,
  defend as inFront,
  type Reactive,
  reactiveDefenses,
  type Sanitizer,
  type TextSanitizer,
} from "#defenses";
import { onnxruntime } from "#engine";
import type { Model } from "#model";
import { type Choice, chosenOf } from "./choice.ts";

/** What defences learn from: never the samples that are attacked later. */
export interface FitData {
  readonly train: Dataset;
  /** Detectors find their threshold on it. */
  readonly validation: Dataset;
  /** Whole, from 0; 0 when left out. */
  readonly seed?: number;
}

/**
 * The model behind sanitizers and detectors, the first of the list nearest the input.
 * It is a model as any other: it can be attacked, saved and run anywhere.
 *
 * @param choices names, units, or `{ id, ...parameters }`
 * @param fit what those that learn are fitted on; a suite with the same data and seed
 *   fits the same
 * @throws ARGUMENT_INVALID for an unknown defence or parameter; DEFENSE_FIT for one
 *   that has to be fitted where there is no data; DEFENSE_INPUT for one of texts, or of
 *   numbers before a text model; DEFENSE_ORDER; DATA_SHAPE, DATA_BOUNDS, DATA_CLASSES
 * @example
 * ```ts
 * import { defend, evaluate, loadData, loadModel, saveModel, splitData } from "assay";
 *
 * const { train, validation, test } = splitData(await loadData({ source: "digits" }));
 * const defended = await defend(
 *   await loadModel("digits.onnx"),
 *   [{ id: "bit-depth", bits: 3 }, "max-softmax"],
 *   { train, validation },
 * );
 * const { accuracy, rejected } = await evaluate(defended, test);
 * console.log(accuracy.value, rejected?.value);
 * saveModel("defended.onnx", defended);
 * ```
 */
export async function defend(
  model: Model,
  choices: readonly Choice<Sanitizer | Detector | TextSanitizer>[],
  fit?: FitData,
): Promise<Model> {
  const chosen = choices.map((choice) =>
    chosenOf<Reactive>(choice, "choices", reactiveDefenses),
  );
  if (fit) {
    const { train, validation, seed = 0 } = fit;
    const how = { folder: ".", seed, engine: onnxruntime };
    const fitted = await fitOn(chosen, model, { train, validation, ...how });
    return inFront(model, fitted);
  }
  const learning = chosen.find(learns);
  if (learning)
    throw new UsageError(
      "DEFENSE_FIT",
      `${learning.unit.id} has to be fitted to the model's data`,
      "Pass what it learns from: defend(model, choices, { train, validation }).",
    );
  return inFront(model, chosen as readonly ChosenDefense[]);
}
