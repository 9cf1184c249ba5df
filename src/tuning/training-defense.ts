import type { z } from "zod";
import type { Chosen, Explained, Need } from "#core";
import type { OpenPart, TrainingContext, TrainingPart } from "./part.ts";

/** A proactive defence: it changes how a model is trained, with any strategy. */
export interface TrainingDefense<S extends z.ZodObject = z.ZodObject>
  extends Explained {
  readonly kind: "training";
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  /** What it needs besides a candidate; nothing when left out. */
  readonly needs?: readonly Need[];
  /**
   * Whether it replaces batches by examples of its own making; two that do so
   * cannot be combined.
   */
  readonly makesExamples: boolean;
  /**
   * Whether several tasks on one trunk can be trained with it: it knows what is right
   * by the criterion alone.
   */
  readonly manyTasks: boolean;
  /**
   * Whether it bounds what one sample can change of the model, so that nothing else may
   * look at several at once.
   */
  readonly isPrivate: boolean;
  /**
   * Whether what it makes of a sample depends on that sample and the weights, and on no
   * other sample; beside one that is private it has to.
   */
  isAlone(params: z.output<S>): boolean;
  /**
   * Whether it can stand over the training of a released model on data of others, as a
   * repair of a suite: it makes no other inputs, and no views.
   */
  readonly guards: boolean;
  /**
   * Words that whoever serves the trained language model puts in front of what users
   * say; none when left out.
   */
  inFront?(params: z.output<S>): string;
  /** Makes it ready for one training. */
  open(params: z.output<S>, context: TrainingContext): TrainingPart;
}

/** What a proactive defence says of itself; what it leaves out is false. */
export type TrainingDefenseSpec<S extends z.ZodObject> = Pick<
  TrainingDefense<S>,
  "id" | "title" | "reference" | "params" | "open"
> &
  Partial<TrainingDefense<S>>;

/** Declares a proactive defence. */
export function defineTrainingDefense<S extends z.ZodObject>(
  defense: TrainingDefenseSpec<S>,
): TrainingDefense<S> {
  return { ...plain, ...defense };
}

/** What a defence is unless it says otherwise. */
const plain: Pick<
  TrainingDefense,
  "kind" | "makesExamples" | "manyTasks" | "isPrivate" | "isAlone" | "guards"
> = {
  kind: "training",
  makesExamples: false,
  manyTasks: false,
  isPrivate: false,
  isAlone: () => false,
  guards: false,
};

/** A chosen defence as a part of a training. */
export const asPart =
  ({ unit, params }: Chosen<TrainingDefense>): OpenPart =>
  (context) =>
    unit.open(params, context);
