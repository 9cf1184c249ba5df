import { z } from "zod";
import { classesSeen } from "#model";
import { defineTrainingDefense } from "#tuning";
import { ascentParams, climb, judgeBy } from "./ascent.ts";

/** The most that robust accuracy may fall from one epoch to the next. */
const FALL = 0.2;

/**
 * Fast adversarial training (Wong et al. 2020, arXiv:2001.03994): one step of
 * 1.25 eps from a random point of the ball. It may lose all its robustness
 * within an epoch (catastrophic overfitting), which the samples that it makes do
 * not show; so, as in the authors' code, the accuracy of a batch under PGD with
 * five steps of eps / 4 is watched, and training ends without the epoch in which
 * it fell by more than 0.2. Validation is under PGD.
 */
export const fastAt = defineTrainingDefense({
  id: "fast-at",
  title: "Fast adversarial training",
  summary:
    "Adversarial training with one step from a random point, which ends where robustness under PGD breaks down.",
  caution:
    "It may lose all its robustness within an epoch: look at whether the report says that it ended so. Single-step accuracy says nothing; judge it by AutoAttack.",
  reference: "Wong et al. 2020, arXiv:2001.03994",
  makesExamples: true,
  params: z.strictObject(
    ascentParams({ eps: 8 / 255, steps: 1, relStepSize: 1.25 }),
  ),
  open(ascent) {
    const watched = { ...ascent, steps: 5, relStepSize: 0.25, warmUp: 0 };
    let before = 0;
    return {
      prepare: async (batch, moment) => ({
        ...batch,
        x: await climb(batch, moment, ascent),
      }),
      judge: judgeBy({ ...watched, steps: 10 }),
      async check(batch, moment) {
        const x = await climb(batch, moment, watched);
        const { model } = moment;
        const outputs = await model.logits(x);
        const predicted = classesSeen(model.model, outputs, batch.targets);
        const right = predicted.filter((p, i) => p === batch.y[i]).length;
        const now = right / batch.y.length;
        const fell = before - now;
        before = now;
        if (fell <= FALL) return undefined;
        return `catastrophic overfitting: accuracy under PGD fell by ${fell.toFixed(2)} in epoch ${moment.epoch}`;
      },
    };
  },
});
