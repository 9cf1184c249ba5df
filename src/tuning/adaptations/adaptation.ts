import type { z } from "zod";
import type { Explained, Need, Random } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";
import { takeRows } from "#onnx";
import type { Batch, Moment, TrainingContext, TrainingPart } from "../part.ts";
import type { Epoch } from "../training.ts";

interface Described<S extends z.ZodObject> extends Explained {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  readonly needs?: readonly Need[];
}

/**
 * Learns from labelled data of a source domain and unlabelled data of the target,
 * with any strategy.
 */
export interface JointAdaptation<S extends z.ZodObject = z.ZodObject>
  extends Described<S> {
  readonly kind: "joint";
  /** @param target whose labels are not looked at */
  open(
    params: z.output<S>,
    context: TrainingContext,
    target: Dataset,
  ): TrainingPart;
}

/** What is there when a model is adapted without data of the source domain. */
export interface AdaptInput {
  readonly model: Model;
  /** Whose labels are not looked at. */
  readonly target: Dataset;
  readonly engine: Engine;
  readonly random: Random;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (epoch: Epoch, total: number) => void;
  /** Gets the model after each epoch, where there are any. */
  readonly onWeights?: (epoch: Epoch, model: Model) => void;
}

/** Adapts a model to unlabelled data of the target domain alone. */
export interface SourceFreeAdaptation<S extends z.ZodObject = z.ZodObject>
  extends Described<S> {
  readonly kind: "source-free";
  /**
   * @throws ADAPTATION_LAYERS when the model has no layer of the kind that is adapted
   */
  adapt(
    input: AdaptInput,
    params: z.output<S>,
  ): Promise<{ model: Model; history: Epoch[]; ended: string }>;
}

export type Adaptation = JointAdaptation | SourceFreeAdaptation;

export const defineJoint = <S extends z.ZodObject>(
  adaptation: Omit<JointAdaptation<S>, "kind">,
): JointAdaptation<S> => ({
  kind: "joint",
  // They compare what one head reads of samples as a whole.
  needs: ["one answer"],
  ...adaptation,
});

export const defineSourceFree = <S extends z.ZodObject>(
  adaptation: Omit<SourceFreeAdaptation<S>, "kind">,
): SourceFreeAdaptation<S> => ({ kind: "source-free", ...adaptation });

/**
 * The view in which rows of the target domain go through the model beside
 * those of the source.
 */
export const TARGET = "target";

/** As many rows of the target domain as the batch has, drawn anew for each step. */
export function besideTarget(target: Dataset) {
  return (batch: Batch, { batchRandom }: Moment): Batch => {
    const random = batchRandom.fork("target domain");
    const rows = Array.from(batch.y, () => random.below(target.y.length));
    const x: FloatTensor = takeRows(target.x, rows);
    return { ...batch, views: { ...batch.views, [TARGET]: x } };
  };
}
