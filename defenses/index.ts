import type { TrainingDefense } from "#tuning";
import type { Detector } from "./detector.ts";
import { energy } from "./detectors/energy.ts";
import { featureSqueezing } from "./detectors/feature-squeezing.ts";
import { knn } from "./detectors/knn.ts";
import { lid } from "./detectors/lid.ts";
import { magnetDivergence } from "./detectors/magnet-divergence.ts";
import { magnetReconstruction } from "./detectors/magnet-reconstruction.ts";
import { mahalanobis } from "./detectors/mahalanobis.ts";
import { maxSoftmax } from "./detectors/max-softmax.ts";
import { scaleUp } from "./detectors/scale-up.ts";
import { strip } from "./detectors/strip.ts";
import type { Reactive } from "./kinds.ts";
import { activationClustering } from "./repair/activation-clustering.ts";
import { antidote } from "./repair/antidote.ts";
import { finePruning } from "./repair/fine-pruning.ts";
import { fineTuning } from "./repair/fine-tuning.ts";
import { labelSanitisation } from "./repair/label-sanitisation.ts";
import { lox } from "./repair/lox.ts";
import { nad } from "./repair/nad.ts";
import { neuralCleanse } from "./repair/neural-cleanse.ts";
import { randomPerturbation } from "./repair/random-perturbation.ts";
import type { Repair } from "./repair/repair.ts";
import { safeLora } from "./repair/safe-lora.ts";
import { spectralSignatures } from "./repair/spectral-signatures.ts";
import { unlearn } from "./repair/unlearn.ts";
import type { Sanitizer } from "./sanitizer.ts";
import { bitDepth } from "./sanitizers/bit-depth.ts";
import { denoisingAutoencoder } from "./sanitizers/denoising-autoencoder.ts";
import { gaussian } from "./sanitizers/gaussian.ts";
import { gaussianNoise } from "./sanitizers/gaussian-noise.ts";
import { guidedDenoiser } from "./sanitizers/guided-denoiser.ts";
import { jpeg } from "./sanitizers/jpeg.ts";
import { mean } from "./sanitizers/mean.ts";
import { median } from "./sanitizers/median.ts";
import { nonLocalMeans } from "./sanitizers/non-local-means.ts";
import { pca } from "./sanitizers/pca.ts";
import { quilting } from "./sanitizers/quilting.ts";
import { resizePad } from "./sanitizers/resize-pad.ts";
import { tableRepair } from "./sanitizers/table-repair.ts";
import { testTimeAugmentation } from "./sanitizers/test-time-augmentation.ts";
import { totalVariation } from "./sanitizers/total-variation.ts";
import { onion } from "./text/onion.ts";
import type { TextSanitizer } from "./text/sanitizer.ts";
import { spelling } from "./text/spelling.ts";
import { unicode } from "./text/unicode.ts";
import { autolora } from "./training/autolora.ts";
import { awp } from "./training/awp.ts";
import { backdoorEnhanced } from "./training/backdoor-enhanced.ts";
import { booster } from "./training/booster.ts";
import { constrainedSft } from "./training/constrained-sft.ts";
import { deepAlignment } from "./training/deep-alignment.ts";
import { dpSgd } from "./training/dp-sgd.ts";
import { fastAt } from "./training/fast-at.ts";
import { freeAt } from "./training/free-at.ts";
import { gaussianAugmentation } from "./training/gaussian-augmentation.ts";
import { gradAlign } from "./training/grad-align.ts";
import { inputGradient } from "./training/input-gradient.ts";
import { jacobian } from "./training/jacobian.ts";
import { labelSmoothing } from "./training/label-smoothing.ts";
import { lisa } from "./training/lisa.ts";
import { mart } from "./training/mart.ts";
import { pgdAt } from "./training/pgd-at.ts";
import { repNoise } from "./training/rep-noise.ts";
import { safetyMixing } from "./training/safety-mixing.ts";
import { sam } from "./training/sam.ts";
import { tar } from "./training/tar.ts";
import { trades } from "./training/trades.ts";
import { twins } from "./training/twins.ts";
import { vaccine } from "./training/vaccine.ts";

/** Every reactive defence that changes inputs. A new one is a file and a line here. */
export const sanitizers: readonly Sanitizer[] = [
  bitDepth,
  median,
  mean,
  gaussian,
  nonLocalMeans,
  jpeg,
  totalVariation,
  pca,
  quilting,
  denoisingAutoencoder,
  guidedDenoiser,
  gaussianNoise,
  resizePad,
  testTimeAugmentation,
  tableRepair,
];

/** Every reactive defence that scores inputs. A new one is a file and a line here. */
export const detectors: readonly Detector[] = [
  energy,
  maxSoftmax,
  featureSqueezing,
  knn,
  mahalanobis,
  lid,
  magnetReconstruction,
  magnetDivergence,
  strip,
  scaleUp,
];

/** Every reactive defence that changes texts. A new one is a file and a line here. */
export const textSanitizers: readonly TextSanitizer[] = [
  unicode,
  spelling,
  onion,
];

/** Every reactive defence. */
export const reactiveDefenses: readonly Reactive[] = [
  ...sanitizers,
  ...detectors,
  ...textSanitizers,
];

/**
 * Every repair of what was tuned, or of what it is tuned on. A new one is a file
 * and a line here.
 */
export const repairs: readonly Repair[] = [
  labelSanitisation,
  fineTuning,
  finePruning,
  nad,
  neuralCleanse,
  unlearn,
  spectralSignatures,
  activationClustering,
  lox,
  safeLora,
  antidote,
  randomPerturbation,
];

/** Every proactive defence. A new one is a file and a line here. */
export const trainingDefenses: readonly TrainingDefense[] = [
  pgdAt,
  trades,
  mart,
  awp,
  freeAt,
  fastAt,
  gradAlign,
  inputGradient,
  jacobian,
  gaussianAugmentation,
  labelSmoothing,
  sam,
  twins,
  autolora,
  dpSgd,
  safetyMixing,
  constrainedSft,
  deepAlignment,
  backdoorEnhanced,
  lisa,
  vaccine,
  repNoise,
  tar,
  booster,
];

export { fitDetector } from "./calibrate.ts";
export { checkOrder, defend } from "./defend.ts";
export {
  type ChosenDetector,
  type Detector,
  type DetectorParts,
  defineDetector,
  detectorParams,
} from "./detector.ts";
export type { Fit, FitInput, Fitted, Outside } from "./fit.ts";
export {
  type ChosenDefense,
  isDetector,
  isTextSanitizer,
  type Reactive,
} from "./kinds.ts";
export { answeringAfter, inPlace } from "./reach.ts";
export type { ReactiveDefense } from "./reactive.ts";
export { inversionParams } from "./repair/neural-cleanse.ts";
export {
  defineFilter,
  defineMend,
  defineRestore,
  type Filtered,
  type FilterInput,
  type FilterRepair,
  type MendInput,
  type MendRepair,
  type Remedy,
  type Repair,
  type RepairInput,
  type RepairMeta,
  type RestoreInput,
  type RestoreRepair,
  remaining,
} from "./repair/repair.ts";
export { trainOn } from "./repair/train.ts";
export {
  type InversionSettings,
  invertTriggers,
  type Trigger,
} from "./repair/trigger-inversion.ts";
export {
  type ChosenSanitizer,
  defineSanitizer,
  type Parts,
  type Sanitizer,
} from "./sanitizer.ts";
export {
  type ChosenTextSanitizer,
  defineTextSanitizer,
  eachText,
  fitTextSanitizer,
  type OpenSanitizer,
  openTextSanitizers,
  type TextSanitizer,
  type TextTools,
} from "./text/sanitizer.ts";
