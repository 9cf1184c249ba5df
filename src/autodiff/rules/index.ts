import type { RuleTable } from "../rule.ts";
import { activations } from "./activations.ts";
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { matrix } from "./matrix.ts";
import { normalisation } from "./normalisation.ts";
import { pooling } from "./pooling.ts";
import { reductions } from "./reductions.ts";
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
};

/** Operators whose output does not change smoothly with any input: their gradient is zero or does not exist. */
export const withoutGradient: ReadonlySet<string> = new Set(
  "And ArgMax ArgMin Ceil ConstantOfShape Equal EyeLike Floor Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual NonZero Not OneHot Or RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Round Shape Sign Size Xor".split(
    " ",
  ),
);
