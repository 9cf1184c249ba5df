import { z } from "zod";
import { defineStrategy, epochsOver, evenly, type Stage } from "./strategy.ts";

/**
 * Chain-thaw (DeepMoji, Felbo et al. 2017, arXiv:1708.00524): the head alone,
 * then every other layer group alone from the first on, then all together. The
 * paper's learning rates are 1e-3 for the head and a tenth of it afterwards; it
 * trains each step until the validation loss stalls, here the epochs are shared
 * out evenly.
 */
export const chainThaw = defineStrategy({
  id: "chain-thaw",
  title: "Chain-thaw",
  summary:
    "The head alone, then every other layer group alone from the first on, then all together.",
  caution:
    "Epochs are shared out evenly, where the paper trains each step until it stalls: a step of one epoch may have learned nothing yet.",
  reference: "Felbo et al. 2017, arXiv:1708.00524",
  params: z.strictObject({
    rate: z
      .number()
      .positive()
      .max(1)
      .default(0.1)
      .describe(
        "learning rate after the first step, as a multiple of the stated one",
      ),
  }),
  stages(groups, epochs, { rate }) {
    const body = groups.slice(0, -1);
    const steps: Omit<Stage, "epochs">[] = [
      { rates: evenly(groups.slice(-1)) },
      ...body.map((group) => ({ rates: evenly([group], rate) })),
      ...(body.length > 0 ? [{ rates: evenly(groups, rate) }] : []),
    ];
    return epochsOver("chain-thaw", steps, epochs);
  },
});
