import { z } from "zod";
import type { FloatTensor } from "#onnx";
import {
  adamw,
  answerTokens,
  atMoved,
  type Batch,
  type BatchGradient,
  defineTrainingDefense,
  mean,
} from "#tuning";
import { inTurn, ownDialogues } from "./own-dialogues.ts";
import { again, atStart } from "./streams.ts";

/** What the loss of a pass is made of, by its feeds. */
const TERMS = ["TAR answers", "TAR certainty", "TAR drift"] as const;

const RETAIN = [1, 0, 1];
const ATTACK = [1, 0, 0];
const RESIST = [0, 1, 0];

/**
 * Tamper-resistant alignment (TAR, Tamirisa et al. 2024, arXiv:2408.00761): beside a
 * retain loss, at the weights that an adversary reaches in `steps` steps of AdamW on
 * forbidden answers, how certain the model is there of the next token (its negative
 * entropy) is made small. The gradient there is taken at every `every`th step and
 * counts as one at the weights that are trained (first order), `lambda` times their
 * mean. The retain loss is that of the batch, and `retain` times the mean squared
 * distance of the residual stream from what it was. The adversary's rate of a step is
 * drawn from `rates`. Defaults are those of the authors' code, which also has
 * adversaries that train on other data first, and 750 steps of the outer loop at 2e-5.
 */
export const tar = defineTrainingDefense({
  id: "tar",
  title: "Tamper-resistant alignment (TAR)",
  summary:
    "Aligns a language model so that it stays uncertain of forbidden answers at the weights that a simulated attacker reaches.",
  caution:
    "It takes as many passes for each step as its adversary has steps. Attackers with other rates, LoRA or more steps are known to break it.",
  reference: "Tamirisa et al. 2024, arXiv:2408.00761",
  needs: ["dialogues"],
  params: z.strictObject({
    steps: z
      .int()
      .positive()
      .default(64)
      .describe("steps of the simulated adversary"),
    every: z
      .int()
      .positive()
      .default(4)
      .describe("after how many of them certainty is looked at"),
    rates: z
      .array(z.number().positive())
      .min(1)
      .default([2e-6, 2e-5, 4e-5])
      .describe("learning rates of the adversary, of which one is drawn"),
    lambda: z
      .number()
      .nonnegative()
      .default(4)
      .describe("weight of the certainty that is left"),
    retain: z
      .number()
      .nonnegative()
      .default(1)
      .describe("weight of the drift of the residual stream"),
  }),
  open({ steps, every, rates, lambda, retain }, context) {
    const own = ownDialogues(context, "tar");
    const random = context.random.fork("adversary");
    const next = inTurn(own.forbidden, random);
    const withTerms = <B extends Batch>(
      batch: B,
      weights: readonly number[],
    ) => ({
      ...batch,
      feeds: {
        ...batch.feeds,
        ...Object.fromEntries(TERMS.map((name, i) => [name, weights[i]!])),
      },
    });
    return {
      prepare: (batch) => withTerms(batch, RETAIN),
      loss(g, before) {
        const { b } = g;
        const answers = answerTokens(g);
        const logs = answers.all(g.rows(g.model.logits));
        const certainty = answers.mean(
          b.reduceSum(b.mul(b.exp(logs), logs), [1]),
        );
        const [now, then] = [[], atStart(g, context.trained)].map(
          (weights) => again(g, g.rows(g.model.input), weights).hidden,
        ) as [readonly string[], readonly string[]];
        const apart = now.map((stream, l) => {
          const moved = b.sub(stream, then[l]!);
          return b.reshape(mean(b, b.mul(moved, moved)), [1]);
        });
        const drift = b.mul(mean(b, b.concat(apart, 0)), retain);
        const terms = [before, certainty, drift];
        return TERMS.map((name, i) => b.mul(terms[i]!, g.scalar(name))).reduce(
          (sum, term) => b.add(sum, term),
        );
      },
      async gradient(batch, at, weights) {
        const found = await at(batch);
        const rate = rates[random.below(rates.length)] as number;
        const count = Math.max(1, batch.y.length);
        const looked: BatchGradient[] = [];
        await atMoved(
          weights,
          () => {},
          async () => {
            const move = adversary(weights, rate);
            for (let k = 1; k <= steps; k++) {
              const harmful = own.batch(next(count));
              move((await at(withTerms(harmful, ATTACK))).gradients);
              if (k % every === 0)
                looked.push(await at(withTerms(harmful, RESIST)));
            }
          },
        );
        for (const [name, gradient] of found.gradients)
          for (const { gradients } of looked) {
            const there = gradients.get(name) as Float32Array;
            for (let i = 0; i < gradient.length; i++)
              gradient[i] = gradient[i]! + (lambda / looked.length) * there[i]!;
          }
        const certainty =
          looked.reduce((sum, { loss }) => sum + loss, 0) /
          (looked.length || 1);
        return {
          ...found,
          records: { ...found.records, "certainty after an attack": certainty },
        };
      },
    };
  },
});

/** Steps of AdamW on weights in place, with a state of its own. */
function adversary(weights: ReadonlyMap<string, FloatTensor>, rate: number) {
  const params = adamw.params.parse({});
  const states = new Map(
    [...weights].map(([name, { data }]) => [
      name,
      adamw.state.map(() => new Float32Array(data.length)),
    ]),
  );
  let steps = 0;
  return (gradients: ReadonlyMap<string, Float32Array>) => {
    steps++;
    for (const [name, gradient] of gradients) {
      const weight = weights.get(name)?.data;
      if (!weight) continue;
      const state = states.get(name) ?? [];
      adamw.update(
        { weight, gradient, state, rate, decays: true, steps },
        params,
      );
    }
  };
}
