import type { z } from "zod";
import type { Random } from "#core";
import type { CompiledModel } from "#model";
import type { FloatTensor } from "#onnx";

/** A batch as a proactive defence sees it. */
export interface TrainingBatch {
  readonly x: FloatTensor;
  readonly y: Int32Array;
  /** The model at its current weights. */
  readonly model: CompiledModel;
  readonly bounds: readonly [number, number];
  /** One generator a sample. */
  readonly random: readonly Random[];
}

/** A proactive defence: it changes the batches that a model is trained on, with any strategy. */
export interface TrainingDefense<S extends z.ZodObject = z.ZodObject> {
  readonly kind: "training";
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  /** The inputs to train on instead. Validation batches go through it too, so that the best epoch is the most robust. */
  transform(batch: TrainingBatch, params: z.output<S>): Promise<FloatTensor>;
}

/** Declares a proactive defence. */
export function defineTrainingDefense<S extends z.ZodObject>(
  defense: Omit<TrainingDefense<S>, "kind">,
): TrainingDefense<S> {
  return { kind: "training", ...defense };
}
