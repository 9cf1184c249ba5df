import { z } from "zod";
import { type Chosen, sha256, UsageError } from "#core";
import type { Schedule } from "./schedule.ts";

/**
 * The learning rate at a step, counted from 0, of all steps of a training, as a share
 * of the stated one.
 */
export type ScheduleFunction = (step: number, total: number) => number;

/** Steps at which a function is looked at before any training. */
const LOOKS = 100;

/**
 * A schedule that a suite gives as a function. It is known by its source and
 * what it gives for a training of 100 steps, since a source may speak of
 * values outside it.
 *
 * @throws SCHEDULE_FACTOR when it gives what is no factor
 */
export function scheduleOf(stated: ScheduleFunction): Chosen<Schedule> {
  const factor = (step: number, total: number): number => {
    const found: unknown = stated(step, total);
    if (typeof found === "number" && Number.isFinite(found) && found >= 0)
      return found;
    throw new UsageError(
      "SCHEDULE_FACTOR",
      `the schedule of the suite gives ${String(found)} at step ${step} of ${total}, expected a factor from 0 on`,
      "Return a finite number for every step from 0 to total - 1.",
    );
  };
  const looks = Array.from({ length: LOOKS }, (_, i) => factor(i, LOOKS));
  return {
    unit: {
      id: "function",
      title: "A function of the suite",
      reference: "the suite",
      params: z.strictObject({}),
      course: (_params, total) => ({ factor: (step) => factor(step, total) }),
    },
    params: { source: stated.toString(), seen: sha256(JSON.stringify(looks)) },
  };
}
