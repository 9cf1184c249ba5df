import { z } from "zod";
import { defineSchedule } from "./schedule.ts";

/**
 * One cycle (Smith and Topin 2018, arXiv:1708.07120) with PyTorch's defaults:
 * up by a cosine from 1/25 of the rate over 30 % of the steps, then down by a
 * cosine to 1e-4 of the start. The momentum stays as it is. Of few steps the rise
 * may be less than one, and they begin on the way down, as PyTorch's do.
 */
export const oneCycle = defineSchedule({
  id: "one-cycle",
  title: "One cycle",
  summary: "Up from a small rate by a cosine, then down to a far smaller one.",
  caution:
    "It is made for a high peak rate, which the stated rate then is. With very few steps the rise is lost. Momentum stays as it is, where the paper moves it too.",
  reference: "Smith and Topin 2018, arXiv:1708.07120",
  params: z.strictObject({
    rise: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.3)
      .describe("share of the steps that rise"),
    startDivisor: z
      .number()
      .min(1)
      .default(25)
      .describe("how much smaller the first rate is than the stated one"),
    endDivisor: z
      .number()
      .min(1)
      .default(1e4)
      .describe("how much smaller the last rate is than the first"),
  }),
  course: ({ rise, startDivisor, endDivisor }, total) => {
    const start = 1 / startDivisor;
    const end = start / endDivisor;
    const top = rise * total - 1;
    const last = total - 1;
    const between = (from: number, to: number, share: number) =>
      to + 0.5 * (from - to) * (1 + Math.cos(Math.PI * Math.min(1, share)));
    return {
      factor: (at) =>
        at <= top && top > 0
          ? between(start, 1, at / top)
          : between(1, end, (at - top) / (last - top)),
    };
  },
});
