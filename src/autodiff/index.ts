export { ctcLoss, type Lattice, lattice } from "./ctc.ts";
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
export { pickPlaces } from "./picked-places.ts";
export { type ByPosition, byPosition, countedPlaces } from "./positions.ts";
export { MOST_THREADS } from "./rule.ts";
export { rules, withoutGradient } from "./rules/index.ts";
