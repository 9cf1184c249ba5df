import { z } from "zod";
import { atMoved, defineTrainingDefense, lengthOf } from "#tuning";
import { inTurn, ownDialogues } from "./own-dialogues.ts";

/**
 * Booster (Huang et al. 2024, arXiv:2409.01586): beside the alignment loss f, how much
 * a step of harmful training lowers the loss h of forbidden answers is made small. The
 * gradient is that of f and `lambda` times (grad h at w less grad h at w - alpha g), g
 * the gradient of h over its length; what w - alpha g depends on is held fixed.
 * Defaults are those of the authors' scripts.
 */
export const booster = defineTrainingDefense({
  id: "booster",
  title: "Booster",
  summary:
    "Aligns a language model where a step of harmful training lowers the loss of forbidden answers least.",
  caution:
    "It looks one step ahead, and an attacker takes more. It triples the passes of an alignment.",
  reference: "Huang et al. 2024, arXiv:2409.01586",
  needs: ["dialogues"],
  params: z.strictObject({
    lambda: z
      .number()
      .nonnegative()
      .default(5)
      .describe("weight of what a harmful step gains"),
    alpha: z
      .number()
      .positive()
      .default(0.1)
      .describe("length of the harmful step that is simulated"),
  }),
  open({ lambda, alpha }, context) {
    const own = ownDialogues(context, "booster");
    const next = inTurn(own.forbidden, context.random.fork("harmful"));
    return {
      isBlind: true,
      async gradient(batch, at, weights) {
        const harmful = own.batch(next(Math.max(1, batch.y.length)));
        const found = await at(batch);
        const here = await at(harmful);
        const length = Math.hypot(
          ...[...here.gradients.values()].map(lengthOf),
        );
        const size = length > 0 ? alpha / length : 0;
        const there = await atMoved(
          weights,
          (name, { data }) => {
            const slope = here.gradients.get(name);
            if (!slope) return;
            for (let i = 0; i < data.length; i++)
              data[i] = data[i]! - size * slope[i]!;
          },
          () => at(harmful),
        );
        for (const [name, gradient] of found.gradients) {
          const [now, then] = [here, there].map(
            ({ gradients }) => gradients.get(name) as Float32Array,
          ) as [Float32Array, Float32Array];
          for (let i = 0; i < gradient.length; i++)
            gradient[i] = gradient[i]! + lambda * (now[i]! - then[i]!);
        }
        return {
          ...found,
          records: {
            ...found.records,
            "gain of a harmful step": here.loss - there.loss,
          },
        };
      },
    };
  },
});
