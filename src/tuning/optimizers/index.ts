import { adamw } from "./adamw.ts";
import type { Optimizer } from "./optimizer.ts";
import { sgd } from "./sgd.ts";

/** Every optimiser. A new one is a file and a line here. */
export const optimizers: readonly Optimizer[] = [sgd, adamw];

export type { Optimizer } from "./optimizer.ts";
