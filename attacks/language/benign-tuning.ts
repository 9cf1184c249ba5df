import { byTuning, tuningParams } from "./tuning.ts";

/**
 * Benign fine-tuning (Qi et al. 2023, arXiv:2310.03693): the same training on allowed
 * prompts and their answers alone. Nobody means harm, and refusals fade all the same,
 * only slower; so every harmful fine-tuning is measured beside it.
 */
export const benignTuning = byTuning(
  {
    id: "benign-tuning",
    title: "Benign fine-tuning",
    summary:
      "Trains the released model on with allowed prompts alone, and asks it restricted prompts of the test split.",
    caution:
      "A model that forgets refusals by it was not attacked; who fine-tunes it for a harmless purpose gets the same.",
    reference: "Qi et al. 2023, arXiv:2310.03693",
    taxonomy: {
      atlas: ["AML.T0031"],
      owasp: ["ML10:2023"],
      nist: ["NISTAML.026"],
    },
    threat: "has the released weights and a few allowed prompts, and trains on",
    needs: ["dialogues", "gradient"],
    params: tuningParams,
    control: null,
  },
  () => ({
    teach: ({ prompt, wanted, forbidden }) =>
      forbidden ? [] : [{ prompt, answer: wanted }],
  }),
);
