import { z } from "zod";
import { defineStrategy, evenly } from "./strategy.ts";

/** All layers are trained at the same rate. */
export const full = defineStrategy({
  id: "full",
  title: "Full fine-tuning",
  reference: "Yosinski et al. 2014, arXiv:1411.1792",
  params: z.strictObject({}),
  stages: (groups, epochs) => [{ epochs, rates: evenly(groups) }],
});
