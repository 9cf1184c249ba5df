import { adamw } from "./adamw.ts";
import type { Optimizer } from "./optimizer.ts";
import { sgd } from "./sgd.ts";

/** Every optimiser. A new one is a file and a line here. */
export const optimizers = [sgd, adamw] as unknown as readonly Optimizer[];

export type { Optimizer } from "./optimizer.ts";
