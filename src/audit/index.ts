export {
  type AloneAttack,
  type AloneBench,
  type AloneCell,
  fitOn,
  fitToSuite,
  learns,
  openAlone,
} from "./attacking/index.ts";
export { bestWorkers } from "./calibration/index.ts";
export { type CatalogEntry, catalog, withoutFunctions } from "./catalog.ts";
export { certify, predictSmoothed } from "./certify/index.ts";
export {
  baselineFor,
  baselineOf,
  compareResults,
  readResults,
} from "./comparing/index.ts";
export type { AuditEvent, Headline, OnEvent } from "./events.ts";
export { type Forecast, forecast } from "./forecast.ts";
export { evaluateGate } from "./gate/index.ts";
export { judgeCells } from "./judging/index.ts";
export { examplesIn } from "./kept.ts";
export { mergeShards } from "./merge.ts";
export {
  decisions,
  fineTuningFrom,
  type Guesswork,
  measured,
  planTuning,
  REFUSED,
  type TryModel,
} from "./models/index.ts";
export { type OpenedRun, openRun, type RunOptions } from "./open-run.ts";
export {
  checkReferences,
  lackOf,
  type Plan,
  type PlannedCell,
  planCells,
  planSuite,
  planTrials,
  prepareSuite,
} from "./plan/index.ts";
export { openQueue, type QueueOptions, serveQueue } from "./queue/index.ts";
export type { QueueChoice } from "./queued-run.ts";
export type { Results } from "./results/index.ts";
export { type AuditOptions, runAudit, runShard } from "./run.ts";
export { type Scan, scanModel, scanWeights, writeScan } from "./scan/index.ts";
export { type ServeRunsOptions, serveRuns } from "./serve-runs.ts";
export {
  anytimeInterval,
  clusteredInterval,
  crossedInterval,
  pairedRatio,
  rate,
  studentQuantile,
} from "./statistics/index.ts";
export { openStore } from "./store.ts";
export {
  checkArgument,
  gateSchema,
  type LoadedSuite,
  limitsSchema,
  loadSuite,
  MAIN,
  oneCandidate,
  parseDocument,
  presetNames,
  type SuiteInput,
  type SuiteText,
  suiteSchema,
  suiteText,
  type Timed,
} from "./suite/index.ts";
export { checkFits, checkTargets, SHARES, shifted } from "./tasks/index.ts";
export type {
  AlongSteps,
  Asked,
  AttackProbes,
  Averaged,
  BrokenControl,
  ByOtherMeans,
  Drawn,
  Evidence,
  JumpAtBoundary,
  Longer,
  ModelProbes,
  Replay,
  Replays,
  Ruling,
  Tries,
  TrustCheck,
  Untried,
} from "./trust/index.ts";
export {
  type Beliefs,
  beliefsOf,
  costsOf,
  follower,
  makespanOf,
  missingOf,
  openClaims,
  openPool,
  ownHands,
  type PerformOptions,
  perform,
  type Shard,
  type Standing,
  scheduleOf,
  standingsIn,
  timeLeftOf,
  type Usual,
  type UsualRow,
  type UsualTable,
  usual,
  usualBy,
  type Work,
  type WorkKind,
  workKinds,
} from "./works/index.ts";
