import { z } from "zod";
import { defineTrainingDefense } from "#tuning";
import { inTurn, joined, ownDialogues } from "./own-dialogues.ts";

/**
 * Backdoor-enhanced alignment (Wang et al. 2024, arXiv:2402.14968): a few restricted
 * prompts are learned with their refusals behind secret words, as a backdoor is, and
 * whoever serves the model puts these words in front of every prompt. The paper takes
 * 11 examples, and 150 random tokens as the secret.
 */
export const backdoorEnhanced = defineTrainingDefense({
  id: "backdoor-enhanced",
  title: "Backdoor-enhanced alignment",
  summary:
    "Plants a backdoor of the defender's own: refusals behind secret words, which whoever serves the model puts in front of every prompt.",
  caution:
    "It holds where the model is served by the defender alone: who has the weights leaves the words out. The words have to be secret, or data can teach answers behind them.",
  reference: "Wang et al. 2024, arXiv:2402.14968",
  needs: ["dialogues"],
  guards: true,
  params: z.strictObject({
    secret: z
      .string()
      .min(1)
      .describe("the words that nobody else knows; random ones"),
    samples: z
      .int()
      .positive()
      .default(11)
      .describe("restricted prompts that are learned behind them"),
  }),
  inFront: ({ secret }) => secret,
  open({ secret, samples }, context) {
    const own = ownDialogues(context, "backdoor-enhanced");
    const random = context.random.fork("secret");
    const restricted = own.dialogues.each.filter(({ forbidden }) => forbidden);
    const chosen = random
      .permutation(restricted.length)
      .slice(0, samples)
      .map((i) => restricted[i]!)
      .map(({ text, wanted }) => ({
        prompt: own.dialogues.render(`${secret} ${text}`),
        answer: wanted,
      }));
    const next = inTurn(chosen, random);
    const share = chosen.length / context.samples;
    return {
      isBlind: true,
      gradient(batch, at) {
        const count = Math.max(1, Math.round(share * batch.y.length));
        return at(joined(batch, own.batch(next(count))));
      },
    };
  },
});
