import { adapters } from "./adapters.ts";
import { batchNormOnly } from "./batch-norm-only.ts";
import { bitfit } from "./bitfit.ts";
import { chainThaw } from "./chain-thaw.ts";
import { discriminative } from "./discriminative.ts";
import { freeze } from "./freeze.ts";
import { full } from "./full.ts";
import { gradualUnfreezing } from "./gradual-unfreezing.ts";
import { headOnly } from "./head-only.ts";
import { lora } from "./lora.ts";
import { lpFt } from "./lp-ft.ts";
import type { Strategy } from "./strategy.ts";
import { surgical } from "./surgical.ts";
import { wiseFt } from "./wise-ft.ts";

/** Every fine-tuning strategy. A new one is a file and a line here. */
export const strategies: readonly Strategy[] = [
  headOnly,
  freeze,
  gradualUnfreezing,
  discriminative,
  full,
  lpFt,
  chainThaw,
  surgical,
  bitfit,
  batchNormOnly,
  lora,
  adapters,
  wiseFt,
];

export {
  defineStrategy,
  evenly,
  type Form,
  formOf,
  type Stage,
  type Strategy,
} from "./strategy.ts";
