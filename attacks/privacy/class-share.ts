import { z } from "zod";
import type { FloatTensor } from "#onnx";
import type { TrialAttack } from "../trial.ts";

/**
 * What a model says of public inputs, from which a property of its
 * fine-tuning set is read.
 */
export interface PropertyInput {
  /** Logits [N, classes] of a model on inputs that have nothing to do with its task. */
  readonly logits: FloatTensor;
  /** The class whose share is asked for. */
  readonly label: number;
}

const params = z.strictObject({
  class: z
    .string()
    .optional()
    .describe("whose share is asked for; the first when left out"),
  kept: z
    .number()
    .min(0)
    .lt(1)
    .default(0.2)
    .describe("share of its samples that are left where it is rare"),
  shadows: z.int().min(2).default(8).describe("of each kind"),
  victims: z.int().min(4).default(10).describe("of each kind"),
});

/** An attack that tells a property of the fine-tuning set as a whole. */
export interface PropertyAttack extends TrialAttack<typeof params> {
  readonly kind: "property";
  /** A number that is higher where the property holds. */
  score(input: PropertyInput): number;
}

/**
 * Inference of how common a class was in the fine-tuning set, a threshold test of
 * distribution inference (Suri and Evans 2022, arXiv:2109.06024): models of both kinds
 * are tuned from the public base at home, and a threshold between them decides. What
 * is compared is how far fine-tuning has moved the outputs for the class away from the
 * others, on the inputs of the base's own task, where the paper compares accuracies on
 * samples of both kinds.
 */
export const classShare: PropertyAttack = {
  id: "class-share",
  title: "Inference of a class's share",
  summary:
    "Tells from the released model's answers whether one class was rare in the fine-tuning set, by models of both kinds that are tuned at home.",
  caution:
    "Success is counted over few victims of each kind, so look at the interval. It tells apart two shares that are stated, and says nothing of shares between them.",
  kind: "property",
  needs: ["tuning", "one class"],
  reference: "Suri and Evans 2022, arXiv:2109.06024",
  taxonomy: {
    atlas: ["AML.T0024"],
    owasp: ["ML04:2023"],
    nist: ["NISTAML.03"],
  },
  threat:
    "asks the released model for its scores, has the public base and other samples of the same kind, and tunes models as its owner did",
  params,
  score({ logits: { data, dims }, label }) {
    const [n = 0, classes = 0] = dims;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const row = data.subarray(i * classes, (i + 1) * classes);
      const mean = row.reduce((a, b) => a + b, 0) / classes;
      sum += row[label]! - mean;
    }
    return sum / Math.max(1, n);
  },
};
