import { z } from "zod";
import type { Spoken } from "#data";
import { defineTrainingDefense } from "#tuning";
import { inTurn, joined, ownDialogues } from "./own-dialogues.ts";

/**
 * Deep alignment by augmentation (Qi et al. 2024, arXiv:2406.05946): refusals are
 * learned behind the first tokens of forbidden answers too, so that an alignment is
 * more than its first tokens. Half of the examples have k of them, drawn evenly from 1
 * to `longest` or the answer's length, as part of the prompt, without a loss; the other
 * half have none. The paper takes 256 of them, and 4 beside 16 allowed ones in a batch.
 */
export const deepAlignment = defineTrainingDefense({
  id: "deep-alignment",
  title: "Deep alignment by augmentation",
  summary:
    "Teaches refusals behind the first tokens of forbidden answers too, so that an alignment reaches deeper than its first tokens.",
  caution:
    "What it costs in allowed answers depends on how many of them are learned beside it. Texts that the model cannot take behind the forbidden tokens get fewer of these.",
  reference: "Qi et al. 2024, arXiv:2406.05946",
  needs: ["dialogues"],
  guards: true,
  params: z.strictObject({
    samples: z
      .int()
      .positive()
      .default(256)
      .describe("restricted prompts that are taken"),
    longest: z
      .int()
      .positive()
      .default(100)
      .describe("most tokens of a forbidden answer in front of the refusal"),
    share: z
      .number()
      .positive()
      .default(0.25)
      .describe("augmented examples for each row of a batch"),
  }),
  open({ samples, longest, share }, context) {
    const own = ownDialogues(context, "deep-alignment");
    const random = context.random.fork("deep");
    const rows = random.permutation(own.refused.length).slice(0, samples);
    const next = inTurn(rows, random);
    const drawn = random.fork("tokens");
    const augmented = (i: number): Spoken => {
      const { prompt, answer } = own.refused[i]!;
      const said = own.forbidden[i]!.answer;
      const room = own.length - prompt.length - answer.length;
      const most = Math.min(longest, said.length, room);
      const k = drawn.uniform() < 0.5 && most > 0 ? 1 + drawn.below(most) : 0;
      return { prompt: [...prompt, ...said.slice(0, k)], answer };
    };
    return {
      isBlind: true,
      gradient(batch, at) {
        const count = Math.max(1, Math.round(share * batch.y.length));
        return at(joined(batch, own.batch(next(count).map(augmented))));
      },
    };
  },
});
