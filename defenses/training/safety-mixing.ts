import { z } from "zod";
import { defineTrainingDefense } from "#tuning";
import { inTurn, joined, ownDialogues } from "./own-dialogues.ts";

/**
 * Safety mixing (Bianchi et al. 2023, arXiv:2309.07875; Qi et al. 2023,
 * arXiv:2310.03693): the defender's restricted prompts with their refusals are mixed
 * into what a model is trained on, `samples` of them beside all that others give. Each
 * batch gets its share, in addition to its own rows. Qi et al. mix in 10, 50 and 100.
 */
export const safetyMixing = defineTrainingDefense({
  id: "safety-mixing",
  title: "Safety mixing",
  summary:
    "Mixes restricted prompts with their refusals into the data that a language model is trained on.",
  caution:
    "It is cheap, and what every other defence has to beat. It protects nobody from an attacker who trains himself.",
  reference: "Bianchi et al. 2023, arXiv:2309.07875",
  needs: ["dialogues"],
  guards: true,
  params: z.strictObject({
    samples: z
      .int()
      .positive()
      .default(100)
      .describe("restricted prompts with refusals that are mixed in"),
  }),
  open({ samples }, context) {
    const own = ownDialogues(context, "safety-mixing");
    const random = context.random.fork("safety");
    const chosen = random
      .permutation(own.refused.length)
      .slice(0, samples)
      .map((i) => own.refused[i]!);
    const next = inTurn(chosen, random);
    const share = chosen.length / context.samples;
    return {
      isBlind: true,
      gradient: (batch, at) =>
        at(
          joined(
            batch,
            own.batch(next(Math.max(1, Math.round(share * batch.y.length)))),
          ),
        ),
    };
  },
});
