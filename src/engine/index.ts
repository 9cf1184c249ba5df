export type { Engine, Feeds, LoadOptions, Session } from "./engine.ts";
export { devices, type EngineChoice, openEngine } from "./open.ts";
export { onnxruntime } from "./ort.ts";
