// Why a number may be believed: what was tried on what stood, and the
// checks that judge it.
export { type Evidence, isRandom, type TrustCheck } from "./check.ts";
export { otherMeans } from "./checks/other-means.ts";
export {
  checksOf,
  explainedChecks,
  isGuessed,
  isTrusted,
  isVoid,
  trustChecks,
} from "./judge.ts";
export {
  type AttackProbes,
  type Attempt,
  type BrokenControl,
  brokenControl,
  controlBits,
  courseOfDraws,
  drawsOf,
  type ModelProbes,
  PROBED,
  partOf,
  peaksOf,
  probeAttack,
  probeModel,
  probeSearch,
  type Surrogate,
  stillRising,
  wrongAtMost,
} from "./probes/index.ts";
