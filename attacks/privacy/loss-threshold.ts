import { z } from "zod";
import { lossesOf } from "./confidence.ts";
import { defineMembership } from "./membership.ts";

/**
 * Members have a lower loss (Yeom et al. 2018, arXiv:1709.01604, adversary 1). The
 * paper's threshold is the mean training loss, which the trainer would have to
 * tell; here, as for every attack, it is found on other samples.
 */
export const lossThreshold = defineMembership({
  id: "loss-threshold",
  title: "Loss threshold",
  summary: "Takes samples with a low loss for members.",
  caution:
    "Easy samples have a low loss whether they were learned or not, so few members are found at low rates of false positives; that says nothing of lira or rmia, which compare with other models.",
  reference: "Yeom et al. 2018, arXiv:1709.01604",
  threat: "asks the candidate for the probabilities of samples that he knows",
  needs: ["one class"],
  params: z.strictObject({}),
  score: async ({ samples }) => lossesOf(samples).map((loss) => -loss),
});
