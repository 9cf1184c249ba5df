import { z } from "zod";
import { byName, UsageError } from "#core";
import { defineWeighting } from "./weighting.ts";

/** Stated weights, 1 for a task that is not named: all count alike when none is. */
export const fixed = defineWeighting({
  id: "fixed",
  title: "Fixed weights",
  summary: "Weights of the tasks as stated, 1 for a task that is not named.",
  caution:
    "Losses of different kinds have different sizes, so equal weights need not be equal shares of the gradient.",
  reference: "Caruana 1997, Multitask Learning",
  params: z.strictObject({
    weights: byName(z.number().nonnegative())
      .default(new Map())
      .describe("weights by the name of the task; 1 for one that is not named"),
  }),
  open({ weights }, { tasks }) {
    const stranger = [...weights.keys()].find((t) => !tasks.includes(t));
    if (stranger !== undefined)
      throw new UsageError(
        "TASK_WEIGHTS",
        `taskWeights names "${stranger}", which is no task of the candidate (${tasks.join(", ")})`,
        "Correct the name.",
      );
    return { weights: tasks.map((task) => weights.get(task) ?? 1) };
  },
});
