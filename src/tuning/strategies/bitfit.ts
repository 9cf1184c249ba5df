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
  summary: "Only biases and the new head are trained.",
  caution:
    "Networks whose layers have few biases, as many with batch normalisation, have little to train, and ones without any are refused. Where the tasks differ much, accuracy is near that of head-only.",
  reference: "Ben Zaken et al. 2022, arXiv:2106.10199",
  params: z.strictObject({}),
  form: (model, groups) => onlyParameters("bitfit", "bias", model, groups),
  stages: (groups, epochs) => [{ epochs, rates: evenly(groups) }],
});
