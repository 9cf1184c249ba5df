// The unit of work, and who does it.
export { worksBehind } from "./behind.ts";
export { type Claims, openClaims } from "./claims.ts";
export { type Costs, costsOf } from "./costs.ts";
export { type Estimate, estimate } from "./estimate.ts";
export { HandDied, NoHands } from "./hand-errors.ts";
export { lostOf } from "./lost.ts";
export type { OpenWorks } from "./messages.ts";
export { missingOf } from "./missing.ts";
export { ownHands } from "./own-hands.ts";
export { type Limits, type PerformOptions, perform } from "./perform.ts";
export { type ChildHands, openPool, type PoolOptions } from "./pool.ts";
export { type Remembered, remembered } from "./remembered.ts";
export type { WorkGraph } from "./schedule.ts";
export { type Shard, shardOf } from "./shard.ts";
export type { Split } from "./split.ts";
export { type Makespan, makespanOf } from "./virtual-time.ts";
export * from "./work.ts";
export { foundBy, type Yields, yields } from "./yields.ts";
