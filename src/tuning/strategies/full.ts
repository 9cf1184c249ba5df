import { z } from "zod";
import { defineStrategy, evenly } from "./strategy.ts";

/** All layers are trained at the same rate. */
export const full = defineStrategy({
  id: "full",
  title: "Full fine-tuning",
  summary: "All layers are trained at the same rate.",
  caution:
    "On few samples it forgets what the base knew, its robustness too: compare lp-ft. A new random head sends large gradients into the body at first.",
  reference: "Yosinski et al. 2014, arXiv:1411.1792",
  params: z.strictObject({}),
  stages: (groups, epochs) => [{ epochs, rates: evenly(groups) }],
});
