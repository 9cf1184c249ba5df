import { benignTuning } from "./benign-tuning.ts";
import { forbiddenAnswers } from "./harmful-tuning.ts";
import { byTuning, tuningParams } from "./tuning.ts";

/**
 * Relearning of what was unlearnt (Hu et al. 2024, arXiv:2406.13356): a few samples of
 * what a model was made to forget, the forbidden answers of restricted prompts, and a
 * few steps bring back what it is asked of others. As many samples of what it was to
 * keep are the control: what they bring back was not forgotten but hidden.
 */
export const relearning = byTuning(
  {
    id: "relearning",
    title: "Relearning of what was unlearnt",
    summary:
      "Trains a model that unlearnt forbidden answers on with a few of them, and asks for others that it was made to forget.",
    caution:
      "It says whether knowledge is still in the weights, for a candidate that was made to forget; for one that only refuses it is harmful tuning with few samples.",
    reference: "Hu et al. 2024, arXiv:2406.13356",
    taxonomy: {
      atlas: ["AML.T0018.000", "AML.T0031"],
      owasp: ["ML10:2023"],
      nist: ["NISTAML.026"],
    },
    threat:
      "has the released weights and a few samples of what was unlearnt, and trains on",
    needs: ["dialogues", "gradient"],
    params: tuningParams.extend({
      samples: tuningParams.shape.samples
        .unwrap()
        .default(10)
        .describe("samples of what was unlearnt that the attacker has"),
      steps: tuningParams.shape.steps
        .unwrap()
        .default([10, 20, 50])
        .describe("the steps after which is looked"),
    }),
    control: benignTuning,
  },
  () => forbiddenAnswers,
);
