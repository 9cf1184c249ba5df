// Why a number may be believed: what was tried on what stood, and the
// checks that judge it.
export {
  type Evidence,
  isRandom,
  type Ruling,
  type TrustCheck,
} from "./check.ts";
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
  type AlongSteps,
  type Asked,
  type AttackProbes,
  type Attempt,
  type Averaged,
  type BrokenControl,
  type ByOtherMeans,
  brokenControl,
  controlBits,
  courseOfDraws,
  type Drawn,
  drawsOf,
  type JumpAtBoundary,
  type Longer,
  type ModelProbes,
  PROBED,
  partOf,
  peaksOf,
  probeAttack,
  probeModel,
  probeSearch,
  type Replay,
  type Surrogate,
  stillRising,
  type Tries,
  wrongAtMost,
} from "./probes/index.ts";
