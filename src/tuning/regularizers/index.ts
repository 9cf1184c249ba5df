import { decayToBase } from "./decay-to-base.ts";
import { l2Sp } from "./l2-sp.ts";
import type { Regularizer } from "./regularizer.ts";

/** Every regulariser. A new one is a file and a line here. */
export const regularizers: readonly Regularizer[] = [l2Sp, decayToBase];

export type { Regularizer } from "./regularizer.ts";
