export * from "./builder.ts";
export { captured, mayCapture, readNames } from "./captures.ts";
export { decodeModel } from "./decode.ts";
export * from "./dims.ts";
export { type Contraction, parseEinsum, printEinsum } from "./einsum.ts";
export { encodeModel, type Place } from "./encode.ts";
export { expand, expansionOf } from "./expand/index.ts";
export {
  hashModel,
  modelFiles,
  readModel,
  readModelInPlace,
  writeModel,
} from "./files.ts";
export { halfToNumber, toFloat32, widened } from "./float32.ts";
export { graft } from "./graft.ts";
export * from "./graph.ts";
export { inLevels } from "./in-levels.ts";
export { castTypes, inferNode, type Known, sliceRange } from "./infer/index.ts";
export { normalise } from "./normalise.ts";
export { BATCH, type Join, openBatch } from "./open-batch.ts";
export { isUnchanged, type Origin, originOf } from "./origin.ts";
export { prepend } from "./prepend.ts";
export { prune } from "./prune.ts";
export { type ResizeAxis, resizingMap } from "./resizing.ts";
export { withSizes } from "./sizes.ts";
export {
  byParts,
  FEW,
  held,
  joinedRows,
  type RowPlace,
  type RowSource,
  rowsFrom,
  Streamed,
  someRows,
  withRows,
} from "./streamed.ts";
export * from "./tensor.ts";
export { typeCodes } from "./types.ts";
export { type Window, windowOf, windowOutput } from "./windows.ts";
