import { z } from "zod";
import { choiceOf, type Need } from "#core";
import { badnets } from "../backdoor/badnets.ts";
import type { TrialAttack } from "../trial.ts";
import { budgetSchema } from "./tampering.ts";

const params = z.strictObject({
  undo: z
    .discriminatedUnion("what", [
      budgetSchema.extend({ what: z.literal("robustness") }),
      /** Bring back a class that was unlearnt. */
      z.strictObject({ what: z.literal("class"), class: z.string() }),
      /** Wake a backdoor that a repair put to sleep. */
      z.strictObject({
        what: z.literal("backdoor"),
        backdoor: choiceOf([badnets]).prefault("badnets"),
      }),
    ])
    .describe("what the attacker wants to undo"),
  steps: z
    .array(z.int().positive())
    .min(1)
    .default([1, 2, 5, 10, 20, 50, 100, 200])
    .describe("the steps after which the ladder is looked at"),
  learningRates: z
    .array(z.number().positive())
    .min(1)
    .default([1e-4, 1e-3])
    .describe("rates that are tried"),
  samples: z
    .array(z.int().positive())
    .min(1)
    .default([10, 50, 100])
    .describe("how many labelled samples the attacker has; a rung for each"),
  seeds: z
    .int()
    .positive()
    .default(5)
    .describe("draws of the samples and of their order"),
  batchSize: z.int().positive().default(32).describe("samples of each step"),
  share: z
    .number()
    .gt(0)
    .max(1)
    .default(0.5)
    .describe("the share of the way at which it counts as undone"),
  keep: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe(
      "the most that accuracy may fall meanwhile: a broken model undoes nothing",
    ),
});

/** By what is undone. */
const needsTo = {
  robustness: ["numbers"],
  class: ["one class"],
  backdoor: ["tuning", "one class", "images"],
} satisfies Record<string, readonly Need[]>;

/** An attack that trains a released model on, to undo what was done to it. */
export interface Undoing<S extends z.ZodObject = typeof params>
  extends TrialAttack<S> {
  readonly kind: "undo";
}

/**
 * Further fine-tuning of a released model, the tampering that every open model has
 * to expect (Qi et al. 2023, arXiv:2310.03693; Tamirisa et al. 2024,
 * arXiv:2408.00761): plain training of all weights with AdamW on a few labelled
 * samples; to wake a backdoor, half of them carry its trigger and label (Min et
 * al. 2024, arXiv:2405.13372). Results depend on seeds and settings (Qi et al.
 * 2024, arXiv:2412.07097), so a ladder over steps, learning rates, numbers of
 * samples and seeds is climbed and the attacker's best counts. Batch normalisation
 * keeps its statistics.
 */
export const furtherTuning: Undoing = {
  id: "further-tuning",
  title: "Further fine-tuning",
  summary:
    "Trains the released model on, with few samples and steps, to undo its robustness, the unlearning of a class or the repair of a backdoor; the least cost over a ladder is what counts.",
  caution:
    '"More than the last rung" means that this ladder did not undo it; other rates, more samples or other methods may. The least over many tries depends on how many there were, so compare ladders that are alike.',
  kind: "undo",
  reference:
    "Qi et al. 2023, arXiv:2310.03693; Tamirisa et al. 2024, arXiv:2408.00761",
  taxonomy: {
    atlas: ["AML.T0018.000", "AML.T0031"],
    owasp: ["ML10:2023"],
    nist: ["NISTAML.026"],
  },
  threat: "has the released weights and a few labelled samples, and trains on",
  needs: ["gradient"],
  needsFor: ({ undo }) => needsTo[undo.what],
  params,
};
