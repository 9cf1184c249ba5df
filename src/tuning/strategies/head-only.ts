import { z } from "zod";
import { defineStrategy, evenly } from "./strategy.ts";

/** Linear probe: the body is frozen, only the new head is trained. */
export const headOnly = defineStrategy({
  id: "head-only",
  title: "Head only (frozen body)",
  summary: "Linear probe: the body is frozen and only the new head is trained.",
  caution:
    "Features that the base does not have cannot be learned, so accuracy is low where the tasks differ. The candidate shares nearly all weights with the public base, which makes transfer through it easiest.",
  reference: "Kumar et al. 2022, arXiv:2202.10054",
  params: z.strictObject({}),
  stages: (groups, epochs) => [{ epochs, rates: evenly(groups.slice(-1)) }],
});
