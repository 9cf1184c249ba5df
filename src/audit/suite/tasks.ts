import { z } from "zod";
import { byName } from "#core";
import { dataSpecSchemaOf } from "#data";
import { taskSchema } from "#model";
import type { Units } from "#units";

/** The name of the task of the suite's own data and classes. */
export const MAIN = "main";

/** How samples get other labels. Those that get none are left out. */
const relabelSchema = z.union([
  z
    .strictObject({
      classes: byName(z.array(z.string()).min(1), { order: true }),
    })
    .describe("Each new class with the classes that it is made of."),
  z
    .strictObject({ values: byName(z.number()) })
    .describe("A value for each class."),
  z
    .strictObject({ above: z.number() })
    .describe("The share of the numbers of a sample that are above this."),
]);

/** A further task that a candidate can learn beside the suite's own. */
export const taskSpecSchemaOf = ({ sources }: Units) =>
  z
    .strictObject({
      /** Samples of its own; those of the suite when left out. */
      data: dataSpecSchemaOf(sources).optional(),
      /** Classes of its own data, or names of its outputs; all when left out. */
      classes: z.array(z.string()).min(1).optional(),
      relabel: relabelSchema.optional(),
      /** What its outputs mean, and when they are wrong; classes when left out. */
      task: taskSchema.optional(),
    })
    .refine((t) => t.data || t.relabel, {
      message: "state data, or relabel that of the suite",
    })
    .refine((t) => t.data || !t.classes, {
      path: ["classes"],
      message: "selects from data of the task's own, and it has none",
    });

export type TaskSpec = z.output<ReturnType<typeof taskSpecSchemaOf>>;
