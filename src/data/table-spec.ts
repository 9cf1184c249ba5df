import { z } from "zod";
import { byName } from "#core";

const change = z
  .enum(["any", "none", "up", "down"])
  .default("any")
  .describe("Which way an attacker may change it.");
const range = z
  .tuple([z.number(), z.number()])
  .optional()
  .describe("Smallest and largest value; those of the file when left out.");

const columnSchema = z.union([
  z.enum(["number", "integer", "category"]),
  z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("number"), range, change }),
    z.strictObject({ type: z.literal("integer"), range, change }),
    z.strictObject({
      type: z.literal("category"),
      values: z
        .array(z.string().min(1))
        .min(2)
        .optional()
        .describe("Its values, in the order in which the model takes them."),
      change: z.enum(["any", "none"]).default("any"),
    }),
  ]),
]);

const constraintSchema = z.union([
  z.string().min(1),
  z.strictObject({
    formula: z.string().min(1),
    tolerance: z.number().nonnegative().default(0),
  }),
]);

/** What a suite says of the columns of a table, whatever file they are in. */
export const tableKeys = {
  label: z.string().min(1).optional().describe("The column of classes."),
  labels: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Columns of 0 and 1, for several labels a row."),
  targets: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Columns of numbers that the model estimates."),
  classes: z
    .array(z.string().min(1))
    .min(2)
    .optional()
    .describe("Names of the classes, in the order of the model's outputs."),
  columns: byName(columnSchema, { order: true })
    .optional()
    .describe(
      "The model's inputs in their order: number, integer or category, with its range and which way it may change. All other columns as numbers when left out.",
    ),
  split: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The column that says which part each row is in: train, validation or test.",
    ),
  units: z
    .enum(["raw", "unit"])
    .optional()
    .describe(
      "What the models of the suite's files were trained on: the columns as they are, or scaled to [0, 1] over their ranges. Told by trying both when left out.",
    ),
  constraints: z
    .array(constraintSchema)
    .default([])
    .describe(
      "What has to hold between columns: total = a + b, a <= b or c = 0, rate = div(a, b, 0).",
    ),
};

const tableSpec = z.object(tableKeys);
export type TableSpec = z.output<typeof tableSpec>;

/** Exactly one of the keys that say what is right. */
export const saysWhatIsRight = [
  (spec: TableSpec) =>
    [spec.label, spec.labels, spec.targets].filter((v) => v !== undefined)
      .length === 1,
  { message: "state one of label, labels and targets" },
] as const;
