// A YAML document as a value, or what is wrong with it, and where.
export { checkArgument, checkValue, parseDocument } from "./parse.ts";
export { didYouMean } from "./problems.ts";
