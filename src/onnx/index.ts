export * from "./builder.ts";
export * from "./dims.ts";
export * from "./graph.ts";
export { inferNode, type Known, sliceRange } from "./infer/index.ts";
export { prepend } from "./prepend.ts";
export { prune } from "./prune.ts";
export * from "./tensor.ts";
export { type Window, windowOf, windowOutput } from "./windows.ts";
export { encodeModel } from "./encode.ts";
