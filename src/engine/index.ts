export type {
  Differentiated,
  Engine,
  Feeds,
  GradientRequest,
  LoadOptions,
  Session,
  StraightPart,
} from "./engine.ts";
export { type EngineChoice, openEngine, troubleOf } from "./open.ts";
export { type Device, onnxruntime, onnxruntimeOn, writtenFor } from "./ort.ts";
export { tfjsEngine } from "./tfjs/engine.ts";
export { openLayersModel } from "./tfjs/layers-model.ts";
