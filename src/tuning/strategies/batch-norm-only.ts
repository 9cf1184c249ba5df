import { z } from "zod";
import { onlyParameters } from "./only.ts";
import { defineStrategy, evenly } from "./strategy.ts";

/**
 * Only scales and shifts of the normalisation layers, and the head, are trained
 * (Frankle et al. 2021, arXiv:2003.00152, for batch normalisation). Running
 * statistics follow where the candidate says `batchNorm: batch`.
 */
export const batchNormOnly = defineStrategy({
  id: "batch-norm-only",
  title: "Normalisation layers only",
  summary:
    "Only scales and shifts of the normalisation layers and the new head are trained.",
  caution:
    "Without `batchNorm: batch` the statistics stay those of the base, which on another domain costs most of the gain. A network whose exporter folded normalisation into its convolutions is refused.",
  reference: "Frankle et al. 2021, arXiv:2003.00152",
  params: z.strictObject({}),
  form: (model, groups) =>
    onlyParameters("batch-norm-only", "normalisation", model, groups),
  stages: (groups, epochs) => [{ epochs, rates: evenly(groups) }],
});
