import type { Meaning } from "./meaning.ts";

/** One class a sample: the largest logit. */
export const oneClass = (names: readonly string[]): Meaning => ({
  classes: names.length,
  targets: false,
  loss: "cross-entropy",
  broken: "it is taken for another class",
  view: (outputs) => outputs,
  build: (_b, outputs) => outputs,
  lossOf: (outputs, { label }) => logSum(outputs) - outputs[label]!,
  slopeOf: () => 1,
  answer: (outputs) => names[largest(outputs)] ?? "?",
  confidence: (outputs) =>
    Math.exp((outputs[largest(outputs)] ?? Number.NaN) - logSum(outputs)),
  saying: (targets) => targets,
  measures: () => [],
});

/** log of the sum of exponentials, without overflow. */
function logSum(outputs: ArrayLike<number>): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < outputs.length; k++) top = Math.max(top, outputs[k]!);
  let sum = 0;
  for (let k = 0; k < outputs.length; k++) sum += Math.exp(outputs[k]! - top);
  return Math.log(sum) + top;
}

function largest(outputs: Float32Array): number {
  return outputs.reduce((best, v, k) => (v > outputs[best]! ? k : best), 0);
}
