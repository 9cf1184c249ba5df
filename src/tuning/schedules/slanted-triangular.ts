import { z } from "zod";
import { defineSchedule } from "./schedule.ts";

/**
 * Slanted triangular rates (ULMFiT, Howard and Ruder 2018, arXiv:1801.06146): a short
 * rise, then a long linear fall.
 */
export const slantedTriangular = defineSchedule({
  id: "slanted-triangular",
  title: "Slanted triangular",
  summary: "A short linear rise, then a long linear fall.",
  caution:
    "Made for fine-tuning in few epochs. The rate depends on how many were planned: a training that stops early never reached its end.",
  reference: "Howard and Ruder 2018, arXiv:1801.06146",
  params: z.strictObject({
    cut: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.1)
      .describe("share of the steps that rise"),
    ratio: z
      .number()
      .min(1)
      .default(32)
      .describe("how much smaller the lowest rate is than the highest"),
  }),
  course: ({ cut, ratio }, total) => {
    const peak = Math.max(1, Math.floor(total * cut));
    return {
      factor(at) {
        const p =
          at < peak ? at / peak : 1 - (at - peak) / (peak * (1 / cut - 1));
        return (1 + Math.max(0, p) * (ratio - 1)) / ratio;
      },
    };
  },
});
