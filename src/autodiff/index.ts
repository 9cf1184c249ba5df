export {
  type Gradient,
  type GradientOptions,
  gradient,
  type StraightThrough,
} from "./gradient.ts";
export { crossEntropy } from "./loss.ts";
export { rules, withoutGradient } from "./rules/index.ts";
