export type { Engine, Feeds, LoadOptions, Session } from "./engine.ts";
export { onnxruntime } from "./ort.ts";
