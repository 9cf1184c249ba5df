// The unit of work, and who does it.
export { worksBehind } from "./behind.ts";
export { type Beliefs, beliefsOf } from "./beliefs.ts";
export { type Claims, openClaims, standingsIn } from "./claims.ts";
export { type Costs, costsOf } from "./costs.ts";
export { type Estimate, estimate } from "./estimate.ts";
export { HandDied, NoHands } from "./hand-errors.ts";
export { lostOf } from "./lost.ts";
export type { OpenWorks } from "./messages.ts";
export { missingOf } from "./missing.ts";
export { oncePerRecord } from "./once-per-record.ts";
export { outlook } from "./outlook.ts";
export { ownHands } from "./own-hands.ts";
export { type Peaks, peaksOf } from "./peaks.ts";
export { type Limits, type PerformOptions, perform } from "./perform.ts";
export { type ChildHands, openPool, type PoolOptions } from "./pool.ts";
export { type Remembered, remembered } from "./remembered.ts";
export { scheduleOf, type WorkGraph } from "./schedule.ts";
export { type Shard, shardOf } from "./shard.ts";
export type { Split } from "./split.ts";
export { type Follower, follower, type Standing } from "./standing.ts";
export { timeLeftOf } from "./time-left.ts";
export {
  type Usual,
  type UsualDefense,
  type UsualRow,
  type UsualTable,
  usual,
  usualBy,
} from "./usual.ts";
export { type Makespan, makespanOf } from "./virtual-time.ts";
export * from "./work.ts";
export { foundBy, type Yields, yields } from "./yields.ts";
