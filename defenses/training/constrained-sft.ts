import { z } from "zod";
import { graft, prune } from "#onnx";
import { answerTokens, defineTrainingDefense, type LossGraph } from "#tuning";
import { atStart } from "./streams.ts";

/**
 * Constrained fine-tuning (Qi et al. 2024, arXiv:2406.05946): the loss of the token in
 * place t of an answer is -2 / beta_t log sigmoid(beta_t log(p / p_ref)), where p_ref
 * is what the model said before the training. Its gradient is that of -log p times
 * 2 (1 - sigmoid(beta_t log(p / p_ref))): 1 at the start, and less the further a token
 * has moved. Large betas hold the first tokens. Defaults are those of the paper; its
 * code holds the weight fixed, cuts it at 1e-3 and takes other betas.
 */
export const constrainedSft = defineTrainingDefense({
  id: "constrained-sft",
  title: "Constrained fine-tuning",
  summary:
    "Weakens the loss of each token of an answer as it moves from what the model said before, the first tokens most.",
  caution:
    "An optimiser that scales gradients by their own size, such as AdamW, undoes much of the weakening. It protects nobody from an attacker who trains himself.",
  reference: "Qi et al. 2024, arXiv:2406.05946",
  needs: ["dialogues"],
  guards: true,
  params: z.strictObject({
    first: z
      .number()
      .positive()
      .default(0.5)
      .describe("beta of the first token"),
    early: z
      .number()
      .positive()
      .default(2)
      .describe("beta of the second to the `tokens`th"),
    late: z.number().positive().default(0.1).describe("beta of all later ones"),
    tokens: z.int().positive().default(5).describe("how many tokens are held"),
  }),
  open: ({ first, early, late, tokens }, { model, trained }) => ({
    loss(g) {
      const answers = answerTokens(g);
      const { b } = g;
      const now = answers.logs(g.rows(model.logits));
      const before = answers.logs(asBefore(g, trained));
      const { place } = answers;
      const later = b.where(b.atMost(place, tokens), b.scalar(early), late);
      const beta = b.where(b.atMost(place, 1), b.scalar(first), later);
      const apart = b.mul(beta, b.sub(now, before));
      // -log sigmoid(x) is softplus(-x).
      const held = b.op("Softplus", [b.neg(apart)]);
      return answers.mean(b.div(b.mul(held, 2), beta));
    },
  }),
});

/** The logits of x by the weights with which the training begins. */
function asBefore(g: LossGraph, trained: readonly string[]): string {
  const { b, model } = g;
  const { graph, logits, input } = model;
  const outputs = [{ name: logits, type: "float32" as const }];
  return graft(
    b,
    prune({ ...graph, outputs }),
    new Map([[input, g.rows(input)], ...atStart(g, trained)]),
  )(logits);
}
