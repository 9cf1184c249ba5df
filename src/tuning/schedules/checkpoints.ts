import { z } from "zod";
import { defineSchedule } from "./schedule.ts";

/**
 * Halving at checkpoints, by the accuracy on the validation data as it is judged:
 * under attack, where a training defence is there (AutoLoRa, Xu et al. 2023,
 * arXiv:2310.01818, after the step size of Auto-PGD, Croce and Hein 2020). The rate
 * is halved where the accuracy rose in fewer than `rho` of the epochs since the last
 * checkpoint, or where neither rate nor best accuracy have changed since; training
 * then goes on from the best weights. The checkpoints are those of the authors'
 * code for 50 epochs, as shares of the training.
 */
export const checkpoints = defineSchedule({
  id: "halve-at-checkpoints",
  title: "Halving at checkpoints",
  summary:
    "The rate is halved at checkpoints where validation accuracy rose too seldom, and training goes on from the best weights.",
  caution:
    "The checkpoints are for about 50 epochs; of few epochs several fall together. A small validation split decides by chance.",
  reference: "Xu et al. 2023, arXiv:2310.01818",
  params: z.strictObject({
    rho: z
      .number()
      .min(0)
      .max(1)
      .default(0.75)
      .describe(
        "share of the epochs that have to raise the accuracy for the rate to stay",
      ),
    divisor: z
      .number()
      .gt(1)
      .default(2)
      .describe("what the rate is divided by"),
    at: z
      .array(z.number().gt(0).max(1))
      .min(1)
      .default([0.32, 0.48, 0.56, 0.72, 0.8, 0.84, 0.88, 0.92, 0.96])
      .describe("the checkpoints, as shares of the training"),
  }),
  course({ rho, divisor, at }, total, stepsPerEpoch) {
    const epochs = total / stepsPerEpoch;
    const stops = new Set(at.map((share) => Math.round(share * epochs)));
    const before = { stop: 0, factor: Number.NaN, best: Number.NaN };
    let [factor, epoch, rises] = [1, 0, 0];
    let [last, best] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    return {
      factor: () => factor,
      observe({ accuracy }) {
        epoch++;
        if (accuracy > last) rises++;
        last = accuracy;
        best = Math.max(best, accuracy);
        if (!stops.has(epoch)) return false;
        const stalled = factor === before.factor && best === before.best;
        const halved = rises < rho * (epoch - before.stop) || stalled;
        Object.assign(before, { stop: epoch, factor, best });
        rises = 0;
        if (halved) factor /= divisor;
        return halved;
      },
    };
  },
});
