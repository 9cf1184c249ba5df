import { z } from "zod";
import { defineSchedule } from "./schedule.ts";

/** Multiplied by gamma every so many epochs (PyTorch's StepLR). */
export const step = defineSchedule({
  id: "step",
  title: "Step",
  summary: "The rate is multiplied by `gamma` every so many epochs.",
  caution:
    "A training of fewer epochs than `every` never sees a step, and is the same as constant.",
  reference: "PyTorch StepLR",
  params: z.strictObject({
    every: z
      .int()
      .positive()
      .default(10)
      .describe("epochs after which the rate falls"),
    gamma: z
      .number()
      .positive()
      .lt(1)
      .default(0.1)
      .describe("what the rate is multiplied by"),
  }),
  course: ({ every, gamma }, _total, stepsPerEpoch) => ({
    factor: (at) => gamma ** Math.floor(at / (every * stepsPerEpoch)),
  }),
});
