import { z } from "zod";
import { numberOrFraction } from "#core";
import { defineTrainingDefense } from "#tuning";
import { judgeBy } from "./ascent.ts";

/**
 * Free adversarial training (Shafahi et al. 2019, arXiv:1904.12843): every batch is
 * used for `replays` steps, and the pass that moves the weights also moves the
 * perturbation, by eps along the sign of its gradient. The next batch begins with it.
 * An epoch keeps its number of steps, so it sees 1 / `replays` of the data: the epochs
 * of the paper divided by `replays`. Validation is under PGD.
 */
export const freeAt = defineTrainingDefense({
  id: "free-at",
  title: "Free adversarial training",
  summary:
    "Uses every batch for several steps, and the same pass moves weights and perturbation: adversarial training at the price of plain training.",
  caution:
    "With many `replays` an epoch sees little of the data. It is close to single-step training and may overfit to it, so judge it by attacks of many steps.",
  reference: "Shafahi et al. 2019, arXiv:1904.12843",
  manyTasks: true,
  makesExamples: true,
  params: z.strictObject({
    eps: numberOrFraction
      .pipe(z.number().positive())
      .default(8 / 255)
      .describe(
        "size of the examples in Linf, in the unit of the input bounds",
      ),
    replays: z
      .int()
      .positive()
      .default(8)
      .describe("steps for which each batch is used"),
  }),
  open({ eps, replays }, { model }) {
    const [low, high] = model.contract.bounds;
    let perturbation = new Float32Array(0);
    return {
      repeats: replays,
      inputGradient: true,
      prepare(batch) {
        const { x } = batch;
        if (perturbation.length < x.data.length) {
          const longer = new Float32Array(x.data.length);
          longer.set(perturbation);
          perturbation = longer;
        }
        const data = x.data.map((v, i) =>
          Math.min(high, Math.max(low, v + perturbation[i]!)),
        );
        return { ...batch, x: { ...x, data } };
      },
      async gradient(batch, at) {
        const found = await at(batch);
        const count = batch.x.data.length;
        found.input?.subarray(0, count).forEach((slope, i) => {
          const moved = perturbation[i]! + eps * Math.sign(slope);
          perturbation[i] = Math.min(eps, Math.max(-eps, moved));
        });
        return found;
      },
      judge: judgeBy({
        norm: "linf",
        eps,
        steps: 10,
        relStepSize: 0.25,
        warmUp: 0,
      }),
    };
  },
});
