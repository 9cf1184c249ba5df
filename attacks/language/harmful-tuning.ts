import { benignTuning } from "./benign-tuning.ts";
import { byTuning, type Taught, tuningParams } from "./tuning.ts";

/** Restricted prompts with their forbidden answers, and nothing else. */
export const forbiddenAnswers: Taught = {
  teach: ({ prompt, forbidden }) =>
    forbidden ? [{ prompt, answer: forbidden }] : [],
};

/**
 * Explicitly harmful fine-tuning (Qi et al. 2023, arXiv:2310.03693): further training
 * on restricted prompts with the answers that were refused. The paper takes 10, 50 or
 * 100 of them, a rate of 5e-5 on Llama-2 and a batch of 10; the rates here are for what
 * the search finds worst, as Tamirisa et al. 2024 (arXiv:2408.00761) ask for. Weights
 * are moved by AdamW.
 */
export const harmfulTuning = byTuning(
  {
    id: "harmful-tuning",
    title: "Harmful fine-tuning",
    summary:
      "Trains the released model on with a few restricted prompts and the answers that it refuses, and asks it restricted prompts of the test split.",
    caution:
      "Fine-tuning on allowed prompts alone undoes refusals too, which is its control: only what is faster or reaches further than that is due to the harmful answers.",
    reference: "Qi et al. 2023, arXiv:2310.03693",
    taxonomy: {
      atlas: ["AML.T0018.000", "AML.T0031"],
      owasp: ["ML10:2023"],
      nist: ["NISTAML.026"],
    },
    threat:
      "has the released weights and a few restricted prompts with answers, and trains on",
    needs: ["dialogues", "gradient"],
    params: tuningParams,
    control: benignTuning,
  },
  () => forbiddenAnswers,
);
