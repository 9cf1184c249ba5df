import type { z } from "zod";
import type { Explained } from "#core";
import type { FloatTensor } from "#onnx";
import type { TrainingContext, TrainingPart } from "../part.ts";

/** Holds what is fine-tuned near to the base that it comes from. */
export interface Regularizer<S extends z.ZodObject = z.ZodObject>
  extends Explained {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  /**
   * @param start what the base has of a weight; undefined for one that is new,
   *   such as the head's
   */
  open(
    params: z.output<S>,
    context: TrainingContext,
    start: (name: string) => FloatTensor | undefined,
  ): TrainingPart;
}

export function defineRegularizer<S extends z.ZodObject>(
  regularizer: Regularizer<S>,
): Regularizer<S> {
  return regularizer;
}
