import type { RuleTable } from "../rule.ts";
import { activations } from "./activations.ts";
import { blocks } from "./blocks.ts";
import { contraction } from "./contraction.ts";
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { losses } from "./losses.ts";
import { matrix } from "./matrix.ts";
import { normalisation } from "./normalisation.ts";
import { pooling } from "./pooling.ts";
import { quantisation } from "./quantisation.ts";
import { reductions } from "./reductions.ts";
import { resampling } from "./resize.ts";
import { shapes } from "./shapes.ts";
import { smoothActivations } from "./smooth-activations.ts";
import { trigonometry } from "./trigonometry.ts";

/** The gradient rule of each standard operator. */
export const rules: RuleTable = {
  ...elementwise,
  ...activations,
  ...smoothActivations,
  ...trigonometry,
  ...matrix,
  ...convolution,
  ...pooling,
  ...normalisation,
  ...reductions,
  ...shapes,
  ...resampling,
  ...blocks,
  ...indexing,
  ...contraction,
  ...losses,
  ...quantisation,
};

/**
 * Operators whose output does not change smoothly with any input: their gradient is
 * zero or does not exist.
 */
export const withoutGradient: ReadonlySet<string> = new Set(
  "And ArgMax ArgMin Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Ceil ConstantOfShape Equal EyeLike Floor Greater GreaterOrEqual Hardmax IsInf IsNaN Less LessOrEqual Multinomial NonMaxSuppression NonZero Not Or RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Round Shape Sign Size Xor".split(
    " ",
  ),
);
