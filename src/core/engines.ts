/** The engines that can be asked for, the usual one first. */
export const engines = ["onnxruntime", "tfjs"] as const;

/** The devices that can be asked for, the fastest first. */
export const devices = ["cuda", "directml", "coreml", "webgpu", "cpu"] as const;
