import { adabn } from "./adabn.ts";
import type { Adaptation } from "./adaptation.ts";
import { coral } from "./coral.ts";
import { dann } from "./dann.ts";
import { mmd } from "./mmd.ts";
import { tent } from "./tent.ts";

/** Every domain adaptation. A new one is a file and a line here. */
export const adaptations: readonly Adaptation[] = [
  coral,
  mmd,
  dann,
  adabn,
  tent,
];

export type {
  Adaptation,
  AdaptInput,
  JointAdaptation,
  SourceFreeAdaptation,
} from "./adaptation.ts";
