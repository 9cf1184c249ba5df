import type { KernelTable } from "../kernel.ts";
import { activations } from "./activations.ts";
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { matrix } from "./matrix.ts";
import { normalisation } from "./normalisation.ts";
import { padding } from "./padding.ts";
import { pooling } from "./pooling.ts";
import { quantised } from "./quantised.ts";
import { reductions } from "./reductions.ts";
import { resampling } from "./resize.ts";
import { running, scatter } from "./scatter.ts";
import { shaping } from "./shaping.ts";

/**
 * How each standard operator is computed with TensorFlow.js.
 *
 * Where its own gradient is missing or wrong, an operator is written with ones
 * whose gradient is right. These are avoided (as of 4.22):
 * Abs has slope -1 at 0; Max, Min, Maximum, Minimum give ties the whole
 * gradient each, or all of it to the first; Pow makes NaN of 0^0; Cumsum
 * transposes the gradient wrongly along all axes but the last; SplitV fails
 * with one part; Tile ends at four axes, and BroadcastTo and Select with it;
 * BatchMatMul does not sum over broadcast batches; Conv2D and Conv3D have none
 * when dilated, Conv3DBackpropInputV2, GatherNd, ScatterNd, StridedSlice, TopK
 * and Einsum none at all; GatherV2 takes time squared.
 */
export const kernels: KernelTable = {
  ...elementwise,
  ...activations,
  ...reductions,
  ...shaping,
  ...padding,
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

/**
 * Operators through which no gradient passes, though their operands may be floats. The
 * tape does not see them.
 */
export const withoutSlope: ReadonlySet<string> = new Set(
  "And ArgMax ArgMin Ceil ConstantOfShape Equal EyeLike Floor Greater GreaterOrEqual Hardmax IsInf IsNaN Less LessOrEqual NonZero Not Or Range Round Shape Sign Size Xor".split(
    " ",
  ),
);
