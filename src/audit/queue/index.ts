// Works that wait in Redis, and workers on any machine that do them.
export { atBorder } from "./border.ts";
export { type Depot, openDepot } from "./depot.ts";
export { openQueue, type QueueOptions } from "./queue-hands.ts";
export type { QueuedRun } from "./queued.ts";
export { type ServeOptions, serveQueue } from "./serve.ts";
