// What a person writes: the suite, checked and with every default filled in.
export type {
  AdaptedCandidate,
  BaseCandidate,
  Candidate,
  GivenCandidate,
  MemberCandidate,
  TunedCandidate,
} from "./candidates.ts";
export { commandFor } from "./command.ts";
export { describe, plainParams, unitResult } from "./described.ts";
export { checkArgument, parseDocument } from "./document/index.ts";
export { presetNames } from "./extend.ts";
export {
  checkGateNames,
  type GateConfig,
  type GateNames,
  type Grouped,
  gateSchema,
  groupsOf,
  type Limits,
  type Metric,
  namesOf,
} from "./gate-rules.ts";
export { limitsSchema, type RunLimits } from "./limits.ts";
export {
  type LoadedSuite,
  loadSuite,
  type SuiteInput,
  type SuiteText,
  type Timed,
} from "./load.ts";
export { BASE } from "./models.ts";
export {
  followsGradients,
  isFollowed,
  isNamed,
  isTrained,
  taskNamed,
  trunkOf,
} from "./named.ts";
export { oneCandidate } from "./one-candidate.ts";
export { type Suite, suiteSchema, suiteSchemaOf } from "./schema.ts";
export { QUICK_PART, type Smoke } from "./smoke.ts";
export { MAIN, type TaskSpec } from "./tasks.ts";
export { suiteText } from "./text.ts";
