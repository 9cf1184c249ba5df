import type { SuiteInput } from "#audit";
import { onnxruntime } from "#engine";
import { compile, type LossGradient, type Model } from "#model";
import type { FloatTensor } from "#onnx";

export { AssayError, UsageError } from "#core";
export type { LossGradient } from "#model";
export { loadModel, type Model, saveModel } from "#model";
export { type FloatTensor, floats } from "#onnx";

/**
 * A suite as a module exports it: `export const suite = defineSuite({ ... })`. A
 * schedule may be a function of step and total.
 */
export const defineSuite = (suite: SuiteInput): SuiteInput => suite;

const compiledModels = new WeakMap<Model, ReturnType<typeof compile>>();

/**
 * The loss of each sample, its gradient with respect to x, and the outputs: the
 * cross-entropy of a classifier, the mean binary cross-entropy of labels, the
 * mean squared error of values. The model is made ready at the first call and
 * kept with it.
 *
 * @param x [N, ...shape] within the model's input bounds
 * @param labels N class indices; of a model of labels or values what its outputs should
 *   be, [N, outputs]
 */
export async function lossGradient(
  model: Model,
  x: FloatTensor,
  labels: ArrayLike<number> | FloatTensor,
): Promise<LossGradient> {
  let compiled = compiledModels.get(model);
  if (!compiled) {
    compiled = compile(model, onnxruntime);
    compiledModels.set(model, compiled);
  }
  const ready = await compiled;
  return "dims" in labels
    ? ready.lossGradient(x, [], { targets: labels })
    : ready.lossGradient(x, labels);
}
