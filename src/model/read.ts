import {
  type Graph,
  hashModel,
  modelFiles,
  readModel,
  readModelInPlace,
} from "#onnx";
import {
  hashLayersModel,
  isLayersModel,
  layersModelFiles,
  readLayersModel,
} from "./layers-model/read.ts";

/**
 * Reads a model: an `.onnx` file, or the `model.json` of a TensorFlow.js LayersModel.
 * Throws what `readModel` and `readLayersModel` throw.
 */
export const readGraph = (path: string): Graph =>
  isLayersModel(path) ? readLayersModel(path) : readModel(path);

/** The same for a look at a model; see `readModelInPlace`. */
export const readGraphInPlace = (path: string): Graph =>
  isLayersModel(path) ? readLayersModel(path) : readModelInPlace(path);

/** The hash of all files of a model. */
export const hashGraph = (path: string): string =>
  isLayersModel(path) ? hashLayersModel(path) : hashModel(path);

/** The files of a model: its own first, then those beside it that hold weights. */
export const filesOf = (path: string): string[] =>
  isLayersModel(path) ? layersModelFiles(path) : modelFiles(path);
