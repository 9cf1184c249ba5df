export {
  type Gradient,
  type GradientOptions,
  gradient,
  type StraightThrough,
} from "./gradient.ts";
export {
  crossEntropy,
  distributionCrossEntropy,
  isClass,
  type LossName,
  losses,
  lossOf,
} from "./losses.ts";
export { rules, withoutGradient } from "./rules/index.ts";
