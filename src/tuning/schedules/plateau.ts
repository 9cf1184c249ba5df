import { z } from "zod";
import { defineSchedule } from "./schedule.ts";

/**
 * Multiplied by gamma when the validation loss has not improved by 1e-4 of itself for
 * more than `patience` epochs (PyTorch's ReduceLROnPlateau).
 */
export const plateau = defineSchedule({
  id: "reduce-on-plateau",
  title: "Reduce on plateau",
  summary:
    "The rate falls when the validation loss has not improved for more than `patience` epochs.",
  caution:
    "With fewer epochs than the patience it never falls. A small validation split makes the loss noisy, and the rate falls by chance.",
  reference: "PyTorch ReduceLROnPlateau",
  params: z.strictObject({
    patience: z
      .int()
      .nonnegative()
      .default(10)
      .describe("epochs without an improvement that are borne"),
    gamma: z
      .number()
      .positive()
      .lt(1)
      .default(0.1)
      .describe("what the rate is multiplied by"),
    threshold: z
      .number()
      .nonnegative()
      .default(1e-4)
      .describe("the least improvement that counts, as a share of the loss"),
  }),
  course: ({ patience, gamma, threshold }) => {
    let factor = 1;
    let best = Number.POSITIVE_INFINITY;
    let waited = 0;
    return {
      factor: () => factor,
      observe({ loss }) {
        if (loss < best * (1 - threshold)) {
          best = loss;
          waited = 0;
        } else if (++waited > patience) {
          factor *= gamma;
          waited = 0;
        }
        return false;
      },
    };
  },
});
