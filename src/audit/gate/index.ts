// Whether the numbers are good enough: the rules of a suite, applied to what was found.
export { evaluateGate } from "./evaluate.ts";
