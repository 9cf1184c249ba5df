import { z } from "zod";
import { onlyParameters } from "./only.ts";
import { defineStrategy, evenly } from "./strategy.ts";

/**
 * Only the biases and the head are trained (BitFit, Ben Zaken et al. 2022,
 * arXiv:2106.10199).
 */
export const bitfit = defineStrategy({
  id: "bitfit",
  title: "Biases only (BitFit)",
  reference: "Ben Zaken et al. 2022, arXiv:2106.10199",
  params: z.strictObject({}),
  form: (model, groups) => onlyParameters("bitfit", "bias", model, groups),
  stages: (groups, epochs) => [{ epochs, rates: evenly(groups) }],
});
