import { z } from "zod";
import { UsageError } from "#core";
import { defineStrategy, discriminatively, type Stage } from "./strategy.ts";

/**
 * Gradual unfreezing (ULMFiT, Howard and Ruder 2018, arXiv:1801.06146): the
 * head alone, then one more layer group from the top at each stage, and all of
 * them for what is left of the epochs. `decay` above 1 also gives lower groups
 * lower rates (discriminative fine-tuning; the paper's is 2.6).
 */
export const gradualUnfreezing = defineStrategy({
  id: "gradual-unfreezing",
  title: "Gradual unfreezing",
  summary:
    "The head alone first, then one more layer group from the top at each stage, and all of them for the rest of the epochs.",
  caution:
    "Stages end by epochs and not by what was learned, and the lowest groups, which come last, are trained least. A network of many layer groups needs as many epochs before all of it is trained.",
  reference: "Howard and Ruder 2018, arXiv:1801.06146",
  params: z.strictObject({
    epochsPerStage: z
      .int()
      .positive()
      .default(1)
      .describe("epochs before the next group is unfrozen"),
    decay: z
      .number()
      .min(1)
      .default(1)
      .describe(
        "how much lower the rate of a group is than that of the one above it; 1 for the same",
      ),
  }),
  stages(groups, epochs, { epochsPerStage, decay }) {
    const before = (groups.length - 1) * epochsPerStage;
    if (before >= epochs) {
      throw new UsageError(
        "STRATEGY_EPOCHS",
        `strategy "gradual-unfreezing" needs ${before} epochs to unfreeze ${groups.length} layer groups, and at least one more; the candidate has ${epochs}`,
        "Raise epochs or lower epochsPerStage.",
      );
    }
    return groups.map(
      (_, i): Stage => ({
        epochs: i < groups.length - 1 ? epochsPerStage : epochs - before,
        rates: discriminatively(groups.slice(groups.length - 1 - i), decay),
      }),
    );
  },
});
