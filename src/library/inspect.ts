import { onnxruntime } from "#engine";
import { type Inspection, inspectModel, type LoadModelOptions } from "#model";

/**
 * What can be said of a model file: inputs and outputs, layer groups, operators, and
 * whether its gradient agrees with finite differences.
 *
 * @param options how it is read; see `loadModel`
 * @throws FILE_UNREADABLE, MODEL_TRUNCATED and others for a file that is no model; what
 *   keeps a model from being audited is told in `problems`
 * @example
 * ```ts
 * import { inspect } from "assay";
 *
 * const { classes, gradient, problems } = await inspect("digits.onnx");
 * console.log(classes?.length, gradient.supported, problems.length); // 10 true 0
 * ```
 */
export const inspect = (
  path: string,
  options: LoadModelOptions = {},
): Promise<Inspection> => inspectModel(path, onnxruntime, options);
