import { z } from "zod";
import { byName, UsageError } from "#core";
import { defineWeighting } from "./weighting.ts";

/** Stated weights, 1 for a task that is not named: all count alike when none is. */
export const fixed = defineWeighting({
  id: "fixed",
  title: "Fixed weights",
  reference: "Caruana 1997, Multitask Learning",
  params: z.strictObject({
    weights: byName(z.number().nonnegative()).default(new Map()),
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
