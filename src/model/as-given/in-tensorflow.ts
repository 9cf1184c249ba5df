import { openLayersModel } from "#engine";
import type { Graph } from "#onnx";
import { layersFiles } from "../layers-model/read.ts";
import { notCompared, type Shipped } from "./shipped.ts";

/**
 * A LayersModel as TensorFlow.js itself opens and runs it.
 *
 * @param file what Assay made of it, whose inputs and outputs stand in the same order
 * @param output the value that is judged
 * @throws NOT_COMPARED, ENGINE_MISSING, ENGINE_LOAD
 */
export async function inTensorFlow(
  path: string,
  file: Graph,
  output: string,
): Promise<Shipped> {
  const at = file.outputs.findIndex((o) => o.name === output);
  if (at < 0)
    throw notCompared(
      "its scores are no output of the model",
      "Save a model that ends in them.",
    );
  const model = await openLayersModel(layersFiles(path));
  return {
    by: model.title,
    release: async () => model.release(),
    async run(fed) {
      // A Sequential has one input, and no name for it.
      const names =
        fed.size > 1 ? model.inputs : file.inputs.map(({ name }) => name);
      return model.predict(names.map((name) => fed.get(name)!))[at]!;
    },
  };
}
