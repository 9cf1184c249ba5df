export { evaluateGate } from "./evaluate.ts";
