import { discriminative } from "./discriminative.ts";
import { freeze } from "./freeze.ts";
import { full } from "./full.ts";
import { gradualUnfreezing } from "./gradual-unfreezing.ts";
import { headOnly } from "./head-only.ts";
import type { Strategy } from "./strategy.ts";

/** Every fine-tuning strategy. A new one is a file and a line here. */
export const strategies = [
  headOnly,
  freeze,
  gradualUnfreezing,
  discriminative,
  full,
] as unknown as readonly Strategy[];

export type { Stage, Strategy } from "./strategy.ts";
