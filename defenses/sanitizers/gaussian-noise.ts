import { z } from "zod";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Gaussian noise on the input, and the mean of the logits over several draws of it,
 * where several are asked for: the model of randomised smoothing (Cohen et al. 2019,
 * arXiv:1902.02918) with soft votes instead of counted ones. It proves nothing by
 * itself. `certify` does. As there, noisy inputs are not cut at the bounds.
 */
export const gaussianNoise = defineSanitizer({
  id: "gaussian-noise",
  title: "Gaussian noise",
  summary:
    "Adds Gaussian noise to the input, and averages the logits over several draws where asked.",
  caution:
    "It draws at random: a gradient of fewer than 20 draws is not trusted. It proves nothing by itself (`certify` does), and a model that was not trained with such noise loses accuracy.",
  reference: "Cohen et al. 2019, arXiv:1902.02918",
  params: z.strictObject({
    sigma: z
      .number()
      .positive()
      .default(0.25)
      .describe("standard deviation, in the unit of the input bounds"),
    draws: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe("how many noisy versions the logits are averaged over"),
  }),
  gradient: "exact",
  draws: true,
  views: ({ draws }) => draws,
  build(b, x, { sigma, draws }, { contract }, { draw }) {
    const { shape } = contract;
    const many = draws > 1;
    const noise = draw("normal", many ? [draws, ...shape] : shape);
    return b.add(many ? b.unsqueeze(x, [1]) : x, b.mul(noise, sigma));
  },
});
