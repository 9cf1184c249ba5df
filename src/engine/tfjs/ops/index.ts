import type { KernelTable } from "../kernel.ts";
import { activations } from "./activations.ts";
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { matrix } from "./matrix.ts";
import { normalisation } from "./normalisation.ts";
import { pooling } from "./pooling.ts";
import { quantised } from "./quantised.ts";
import { reductions } from "./reductions.ts";
import { resampling } from "./resize.ts";
import { running, scatter } from "./scatter.ts";
import { shaping } from "./shaping.ts";

/** How each standard operator is computed with TensorFlow.js. */
export const kernels: KernelTable = {
  ...elementwise,
  ...activations,
  ...reductions,
  ...shaping,
  ...indexing,
  ...scatter,
  ...running,
  ...matrix,
  ...convolution,
  ...pooling,
  ...normalisation,
  ...resampling,
  ...quantised,
};

/** Operators through which no gradient passes, though their operands may be floats; the tape does not see them. */
export const withoutSlope: ReadonlySet<string> = new Set(
  "And ArgMax ArgMin Ceil ConstantOfShape Equal EyeLike Floor Greater GreaterOrEqual Hardmax IsInf IsNaN Less LessOrEqual NonZero Not Or Range Round Shape Sign Size Xor".split(
    " ",
  ),
);
