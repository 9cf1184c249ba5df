import { z } from "zod";
import { defineSchedule } from "./schedule.ts";

/**
 * Linear warm-up, then half a cosine down to `final` (SGDR without restarts, Loshchilov
 * and Hutter 2017, arXiv:1608.03983).
 */
export const cosine = defineSchedule({
  id: "cosine",
  title: "Cosine with warm-up",
  summary: "A linear warm-up, then half a cosine down to `final`.",
  caution:
    "The rate depends on how many epochs were planned: a training that stops early never reached its end.",
  reference: "Loshchilov and Hutter 2017, arXiv:1608.03983",
  params: z.strictObject({
    warmUp: z
      .number()
      .min(0)
      .lt(1)
      .default(0.1)
      .describe("share of all steps in which the rate rises"),
    final: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe("the last rate, as a share of the stated one"),
  }),
  course: ({ warmUp, final }, total) => {
    const rising = Math.round(warmUp * total);
    return {
      factor(at) {
        if (at < rising) return (at + 1) / rising;
        const share = (at - rising) / Math.max(1, total - rising);
        return (
          final +
          0.5 * (1 - final) * (1 + Math.cos(Math.PI * Math.min(1, share)))
        );
      },
    };
  },
});
