// A YAML document as a value, or what is wrong with it, and where.
export { checkValue, parseDocument } from "./parse.ts";
export { didYouMean } from "./problems.ts";
