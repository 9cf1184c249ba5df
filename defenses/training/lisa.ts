import { z } from "zod";
import { copyOf, type FloatTensor } from "#onnx";
import { defineTrainingDefense } from "#tuning";
import { inTurn, ownDialogues } from "./own-dialogues.ts";

/**
 * Lazy safety alignment (Lisa, Huang et al. 2024, arXiv:2405.18641): steps on the
 * defender's alignment data and steps on what others give take turns, and in each
 * state rho / 2 times the squared distance from the weights with which the state began
 * is added to the loss. Defaults are those of the authors' code; the paper takes rho 1.
 */
export const lisa = defineTrainingDefense({
  id: "lisa",
  title: "Lazy safety alignment (Lisa)",
  summary:
    "Takes turns between the defender's alignment data and the data of others, and holds the weights near to where each turn began.",
  caution:
    "Steps on alignment data count as steps: a training that is shorter than the first turn learns nothing of what others give. State turns that fit it.",
  reference: "Huang et al. 2024, arXiv:2405.18641",
  needs: ["dialogues"],
  guards: true,
  params: z.strictObject({
    alignmentSteps: z
      .int()
      .positive()
      .default(500)
      .describe("steps of a turn on alignment data"),
    tuningSteps: z
      .int()
      .positive()
      .default(500)
      .describe("steps of a turn on what others give"),
    rho: z
      .number()
      .nonnegative()
      .default(0.1)
      .describe("how strongly weights are held"),
  }),
  open({ alignmentSteps, tuningSteps, rho }, context) {
    const own = ownDialogues(context, "lisa");
    const next = inTurn(own.wanted, context.random.fork("alignment"));
    let step = 0;
    let from: ReadonlyMap<string, FloatTensor> = new Map();
    return {
      isBlind: true,
      async gradient(batch, at, weights) {
        const place = step++ % (alignmentSteps + tuningSteps);
        if (place === 0 || place === alignmentSteps)
          from = new Map([...weights].map(([n, t]) => [n, copyOf(t)]));
        const count = Math.max(1, batch.y.length);
        const found = await at(
          place < alignmentSteps ? own.batch(next(count)) : batch,
        );
        let penalty = 0;
        for (const [name, gradient] of found.gradients) {
          const [now, then] = [weights.get(name)?.data, from.get(name)?.data];
          if (!now || !then) continue;
          for (let i = 0; i < gradient.length; i++) {
            const away = now[i]! - then[i]!;
            gradient[i] = gradient[i]! + rho * away;
            penalty += (rho / 2) * away * away;
          }
        }
        return { ...found, loss: found.loss + penalty };
      },
    };
  },
});
