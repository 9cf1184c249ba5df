import { logSumExp } from "#core";
import type { Meaning } from "./meaning.ts";

/** One class a sample: the largest logit. */
export const oneClass = (names: readonly string[]): Meaning => ({
  classes: names.length,
  targets: false,
  loss: "cross-entropy",
  broken: "it is taken for another class",
  view: (outputs) => outputs,
  build: (_b, outputs) => outputs,
  lossOf: (outputs, { label }) => logSumExp(outputs) - outputs[label]!,
  slopeOf: () => 1,
  answer: (outputs) => names[largest(outputs)] ?? "?",
  confidence: (outputs) =>
    Math.exp((outputs[largest(outputs)] ?? Number.NaN) - logSumExp(outputs)),
  saying: (targets) => targets,
  said: () => null,
  missed: (outputs) => outputs,
  measures: () => [],
});

function largest(outputs: Float32Array): number {
  return outputs.reduce((best, v, k) => (v > outputs[best]! ? k : best), 0);
}
