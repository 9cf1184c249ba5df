// The unit of work, and who does it.
export { type Claims, openClaims } from "./claims.ts";
export { type Costs, costsOf } from "./costs.ts";
export { HandDied, NoHands } from "./hand-errors.ts";
export type { OpenWorks } from "./messages.ts";
export { ownHands } from "./own-hands.ts";
export { type Limits, type PerformOptions, perform } from "./perform.ts";
export { openPool, type PoolOptions } from "./pool.ts";
export * from "./work.ts";
