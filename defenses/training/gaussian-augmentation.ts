import { z } from "zod";
import { numberOrFraction } from "#core";
import type { FloatTensor } from "#onnx";
import { type Batch, defineTrainingDefense, type Moment } from "#tuning";

/**
 * Training with Gaussian noise (as for randomised smoothing, Cohen et al. 2019,
 * arXiv:1902.02918): every sample is replaced by x + N(0, sigma^2), not cut at
 * the bounds. Validation is noisy too.
 */
export const gaussianAugmentation = defineTrainingDefense({
  id: "gaussian-augmentation",
  title: "Gaussian augmentation",
  summary: "Trains on samples with Gaussian noise, for randomised smoothing.",
  caution:
    "By itself it withstands attacks hardly more than plain training. Certificates hold for the smoothed classifier at this sigma, not for the model alone.",
  reference: "Cohen et al. 2019, arXiv:1902.02918",
  manyTasks: true,
  isAlone: () => true,
  params: z.strictObject({
    sigma: numberOrFraction
      .pipe(z.number().positive())
      .default(0.25)
      .describe(
        "standard deviation of the noise, in the unit of the input bounds",
      ),
  }),
  open: ({ sigma }) => ({
    prepare: (batch, moment) => ({
      ...batch,
      x: withNoise(batch, moment, sigma),
    }),
    judge: async (batch, moment) => withNoise(batch, moment, sigma),
  }),
});

function withNoise(
  { x }: Batch,
  { random }: Moment,
  sigma: number,
): FloatTensor {
  const width = x.data.length / random.length;
  const data = x.data.map(
    (v, k) => v + sigma * (random[Math.floor(k / width)]?.normal() as number),
  );
  return { ...x, data };
}
