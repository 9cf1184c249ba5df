import type { z } from "zod";
import type { Explained } from "#core";
import type { Validated } from "../part.ts";

/** The course of the learning rate over one training, as a share of the stated rate. */
export interface Course {
  /** The factor at a step, counted from 0. */
  factor(step: number): number;
  /**
   * Told after every epoch how the model did on the validation data, as it is judged.
   *
   * @returns whether training goes on from the best weights instead of these
   */
  observe?(seen: Pick<Validated, "loss" | "accuracy">): boolean | undefined;
}

export interface Schedule<S extends z.ZodObject = z.ZodObject>
  extends Explained {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  /** @param total number of steps of the whole training */
  course(params: z.output<S>, total: number, stepsPerEpoch: number): Course;
}

export function defineSchedule<S extends z.ZodObject>(
  schedule: Schedule<S>,
): Schedule<S> {
  return schedule;
}
