import type { Attack } from "./attack.ts";
import { adaptiveBlend } from "./backdoor/adaptive-blend.ts";
import { adaptivePatch } from "./backdoor/adaptive-patch.ts";
import { badnets } from "./backdoor/badnets.ts";
import { blended } from "./backdoor/blended.ts";
import { cleanLabel } from "./backdoor/clean-label.ts";
import { latent } from "./backdoor/latent.ts";
import { sig } from "./backdoor/sig.ts";
import { wanet } from "./backdoor/wanet.ts";
import { noise } from "./controls/noise.ts";
import { apgdCe } from "./evasion/apgd-ce.ts";
import { apgdDlr } from "./evasion/apgd-dlr.ts";
import { apgdT } from "./evasion/apgd-t.ts";
import { autoattack } from "./evasion/autoattack.ts";
import { bim } from "./evasion/bim.ts";
import { boundary } from "./evasion/boundary.ts";
import { caa } from "./evasion/caa.ts";
import { capgd } from "./evasion/capgd.ts";
import { corruptions } from "./evasion/corruptions.ts";
import { cwL0 } from "./evasion/cw-l0.ts";
import { cwL2 } from "./evasion/cw-l2.ts";
import { cwLinf } from "./evasion/cw-linf.ts";
import { ddn } from "./evasion/ddn.ts";
import { deepfool } from "./evasion/deepfool.ts";
import { ead } from "./evasion/ead.ts";
import { fab } from "./evasion/fab.ts";
import { fabT } from "./evasion/fab-t.ts";
import { fgsm } from "./evasion/fgsm.ts";
import { fmn } from "./evasion/fmn.ts";
import { geoda } from "./evasion/geoda.ts";
import { hopskipjump } from "./evasion/hopskipjump.ts";
import { jsma } from "./evasion/jsma.ts";
import { miFgsm } from "./evasion/mi-fgsm.ts";
import { moeva } from "./evasion/moeva.ts";
import { nes } from "./evasion/nes.ts";
import { niFgsm } from "./evasion/ni-fgsm.ts";
import { onePixel } from "./evasion/one-pixel.ts";
import { patch } from "./evasion/patch.ts";
import { pgd } from "./evasion/pgd.ts";
import { simba } from "./evasion/simba.ts";
import { spatial } from "./evasion/spatial.ts";
import { spsa } from "./evasion/spsa.ts";
import { square } from "./evasion/square.ts";
import { uap } from "./evasion/uap.ts";
import { zoo } from "./evasion/zoo.ts";
import { backdoorPersistence } from "./language/backdoor-persistence.ts";
import { backdoorTuning } from "./language/backdoor-tuning.ts";
import { benignTuning } from "./language/benign-tuning.ts";
import { embeddingPoisoning } from "./language/embedding-poisoning.ts";
import { harmfulTuning } from "./language/harmful-tuning.ts";
import { identityShifting } from "./language/identity-shifting.ts";
import { interpolation, randomMove } from "./language/interpolation.ts";
import { jailbreakTuning } from "./language/jailbreak-tuning.ts";
import { learnedDirection } from "./language/learned-direction.ts";
import { prefill } from "./language/prefill.ts";
import { quantisationConditioned } from "./language/quantisation-conditioned.ts";
import {
  randomDirection,
  refusalDirection,
} from "./language/refusal-direction.ts";
import { relearning } from "./language/relearning.ts";
import { roundingReversal } from "./language/rounding-reversal.ts";
import { bullseye } from "./poisoning/bullseye.ts";
import { labelFlip } from "./poisoning/label-flip.ts";
import { labelFlipConfusing } from "./poisoning/label-flip-confusing.ts";
import { labelFlipTargeted } from "./poisoning/label-flip-targeted.ts";
import { poisonFrogs } from "./poisoning/poison-frogs.ts";
import { witchesBrew } from "./poisoning/witches-brew.ts";
import { baseCalibration } from "./privacy/base-calibration.ts";
import { classShare } from "./privacy/class-share.ts";
import { difficultyCalibration } from "./privacy/difficulty-calibration.ts";
import { entropy } from "./privacy/entropy.ts";
import { equationSolving } from "./privacy/equation-solving.ts";
import { knockoff } from "./privacy/knockoff.ts";
import { lira } from "./privacy/lira.ts";
import { lossThreshold } from "./privacy/loss-threshold.ts";
import { miFace } from "./privacy/mi-face.ts";
import { modifiedEntropy } from "./privacy/modified-entropy.ts";
import { rmia } from "./privacy/rmia.ts";
import { shadowModels } from "./privacy/shadow-models.ts";
import {
  baseInterpolation,
  baseRandomMove,
} from "./tampering/base-interpolation.ts";
import { bitFlips, randomBitFlips } from "./tampering/bit-flips.ts";
import { furtherTuning } from "./tampering/further-tuning.ts";
import { pruning } from "./tampering/pruning.ts";
import { float16, int8 } from "./tampering/quantise.ts";
import { weightNoise } from "./tampering/weight-noise.ts";
import type { TextAttack } from "./text/attack.ts";
import { badCharacters } from "./text/bad-characters.ts";
import { charmer } from "./text/charmer.ts";
import { randomEdits } from "./text/random-edits.ts";
import { textbugger } from "./text/textbugger.ts";
import { baseMiFgsm } from "./transfer/base-mi-fgsm.ts";
import { basePgd } from "./transfer/base-pgd.ts";
import { featurePgd } from "./transfer/feature-pgd.ts";
import { fingerprint } from "./transfer/fingerprint.ts";
import { headAgnostic } from "./transfer/head-agnostic.ts";
import { mimic } from "./transfer/mimic.ts";
import { pap } from "./transfer/pap.ts";
import type { TrialAttack } from "./trial.ts";

/** Every attack. A new one is a file and a line here. */
export const attacks: readonly Attack[] = [
  fgsm,
  bim,
  pgd,
  miFgsm,
  niFgsm,
  apgdCe,
  apgdT,
  apgdDlr,
  autoattack,
  deepfool,
  ddn,
  fmn,
  cwL0,
  cwL2,
  cwLinf,
  ead,
  jsma,
  fab,
  fabT,
  square,
  nes,
  spsa,
  simba,
  zoo,
  onePixel,
  hopskipjump,
  boundary,
  geoda,
  uap,
  patch,
  capgd,
  moeva,
  caa,
  basePgd,
  baseMiFgsm,
  featurePgd,
  mimic,
  pap,
  spatial,
  corruptions,
  noise,
];

/** Every attack on a fine-tuning. A new one is a file and a line here. */
export const trialAttacks: readonly TrialAttack[] = [
  labelFlip,
  labelFlipTargeted,
  labelFlipConfusing,
  poisonFrogs,
  bullseye,
  witchesBrew,
  badnets,
  blended,
  sig,
  wanet,
  cleanLabel,
  adaptiveBlend,
  adaptivePatch,
  latent,
  int8,
  float16,
  pruning,
  weightNoise,
  bitFlips,
  randomBitFlips,
  baseInterpolation,
  baseRandomMove,
  furtherTuning,
  headAgnostic,
  fingerprint,
  lossThreshold,
  entropy,
  modifiedEntropy,
  shadowModels,
  lira,
  rmia,
  difficultyCalibration,
  baseCalibration,
  classShare,
  miFace,
  knockoff,
  equationSolving,
  harmfulTuning,
  benignTuning,
  identityShifting,
  jailbreakTuning,
  backdoorTuning,
  backdoorPersistence,
  embeddingPoisoning,
  interpolation,
  randomMove,
  refusalDirection,
  learnedDirection,
  randomDirection,
  prefill,
  quantisationConditioned,
  relearning,
  roundingReversal,
];

/** Every attack on texts. A new one is a file and a line here. */
export const textAttacks: readonly TextAttack[] = [
  badCharacters,
  textbugger,
  charmer,
  randomEdits,
];

/** An attack of a suite, whatever its samples are. */
export type AnyAttack = Attack | TextAttack;

export {
  type Attack,
  type AttackInput,
  defineAttack,
  type Family,
  type Measure,
  type Part,
} from "./attack.ts";
export {
  type Attackable,
  attackOn,
  type Runnable,
  someOf,
} from "./attack-on.ts";
export type { Backdoor, Planted, Trigger } from "./backdoor/backdoor.ts";
export { type Ball, ballOf, resized } from "./ball.ts";
export { type Corruption, corruptions } from "./corruptions/index.ts";
export { repaired } from "./evasion/constrained.ts";
export { hopskipjump } from "./evasion/hopskipjump.ts";
export { canSearch, square } from "./evasion/square.ts";
export {
  type Ask,
  dialoguesOf,
  type Guard,
  type LanguageAttack,
  onlyWay,
  type Reached,
  rowsOf,
  type Way,
} from "./language/language.ts";
export { refusalLogOdds } from "./language/log-odds.ts";
export { type Norm, norms } from "./norms/index.ts";
export { labelFlip } from "./poisoning/label-flip.ts";
export {
  type Poison,
  type Poisoning,
  type PoisoningInput,
  poisoned,
  type TargetedPoisoning,
} from "./poisoning/poisoning.ts";
export type { PropertyAttack } from "./privacy/class-share.ts";
export { bestThreshold } from "./privacy/class-thresholds.ts";
export type { Extraction } from "./privacy/extraction.ts";
export type { Inversion } from "./privacy/inversion.ts";
export type { Asked, Membership, Shadow } from "./privacy/membership.ts";
export type { Undoing } from "./tampering/further-tuning.ts";
export type { Tampering } from "./tampering/tampering.ts";
export { blackBox, byChance, whiteBox } from "./taxonomies.ts";
export {
  defineTextAttack,
  editsLimit,
  type TextAttack,
  type TextInput,
} from "./text/attack.ts";
export { basePgd } from "./transfer/base-pgd.ts";
export type { Crafting } from "./transfer/crafting.ts";
export { surrogateOf } from "./transfer/surrogate.ts";
export type { TrialAttack } from "./trial.ts";
