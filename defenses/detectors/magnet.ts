import { detectorParams } from "../detector.ts";
import { denoisingAutoencoder } from "../sanitizers/denoising-autoencoder.ts";

/**
 * What MagNet's detectors have in common: the autoencoder, and a
 * false-positive rate of 0.1 %.
 */
export const magnetParams = {
  ...detectorParams,
  fpr: detectorParams.fpr
    .unwrap()
    .default(0.001)
    .describe(
      "share of clean validation samples that the threshold lets be flagged",
    ),
  ...denoisingAutoencoder.params.shape,
};
