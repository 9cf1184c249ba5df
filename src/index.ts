import { onnxruntime } from "#engine";
import { compile, type LossGradient, type Model } from "#model";
import type { FloatTensor } from "#onnx";

export { AssayError, UsageError } from "#core";
export type { LossGradient } from "#model";
export { loadModel, type Model, saveModel } from "#model";
export { type FloatTensor, floats } from "#onnx";

const compiledModels = new WeakMap<Model, ReturnType<typeof compile>>();

/**
 * The cross-entropy of each sample, its gradient with respect to x, and the
 * logits. The model is made ready at the first call and kept with it.
 *
 * @param x [N, ...shape] within the model's input bounds
 * @param labels N class indices
 */
export async function lossGradient(
  model: Model,
  x: FloatTensor,
  labels: ArrayLike<number>,
): Promise<LossGradient> {
  let compiled = compiledModels.get(model);
  if (!compiled) {
    compiled = compile(model, onnxruntime);
    compiledModels.set(model, compiled);
  }
  return (await compiled).lossGradient(x, labels);
}
