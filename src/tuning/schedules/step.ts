import { z } from "zod";
import { defineSchedule } from "./schedule.ts";

/** Multiplied by gamma every so many epochs (PyTorch's StepLR). */
export const step = defineSchedule({
  id: "step",
  title: "Step",
  reference: "PyTorch StepLR",
  params: z.strictObject({
    every: z.int().positive().default(10),
    gamma: z.number().positive().lt(1).default(0.1),
  }),
  course: ({ every, gamma }, _total, stepsPerEpoch) => ({
    factor: (at) => gamma ** Math.floor(at / (every * stepsPerEpoch)),
  }),
});
