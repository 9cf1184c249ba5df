// YAML documents as a value, or what is wrong with them, and where.
export {
  checkArgument,
  checkLayers,
  checkValue,
  together,
} from "./check.ts";
export { type Environment, escaped } from "./environment.ts";
export { type Layer, readLayer } from "./layer.ts";
export { parseDocument } from "./parse.ts";
export { didYouMean } from "./problems.ts";
export { refused } from "./refused.ts";
export { type Setting, settingOf } from "./settings.ts";
export { Supplied } from "./supplied.ts";
