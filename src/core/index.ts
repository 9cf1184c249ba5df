export { byName, schemaAsWritten, type Written } from "./by-name.ts";
export {
  type Chosen,
  choiceOf,
  type Explained,
  needsOf,
  type Unit,
} from "./choice.ts";
export { devices, engines } from "./engines.ts";
export { type ErrorPlace, errorPlaces, placesIn } from "./error-places.ts";
export {
  AssayError,
  InterruptedError,
  messageOf,
  UsageError,
} from "./errors.ts";
export {
  cacheFolder,
  fileSize,
  makeFolder,
  packagePath,
  packageVersion,
  readBytes,
  readFile,
  unreadable,
  writeFile,
  writeParts,
} from "./files.ts";
export { expectations, numberOrFraction } from "./fraction.ts";
export { canonicalJson, hashOf, sha256, sha256OfFile } from "./hash.ts";
export {
  chrominance,
  cosines,
  fromRgb,
  luminance,
  stepsAt,
  toRgb,
} from "./jpeg.ts";
export { cholesky, inverseOfLower, solve } from "./matrices.ts";
export { nearest } from "./nearest.ts";
export type { Need } from "./needs.ts";
export { encodeNpy, NPY_MAGIC } from "./npy.ts";
export { classColour } from "./palette.ts";
export { bytes, seconds } from "./quantity.ts";
export { Random } from "./random.ts";
export { repeated } from "./repeated.ts";
export { revived, type SentError, sentError } from "./sent-errors.ts";
export { logSumExp, softmax } from "./softmax.ts";
export { jsonText, line, lines, visible, withoutUnseen } from "./visible.ts";
export { type Pose, posed, warped } from "./warp.ts";
export { decimal, duration, percent, quoted } from "./words.ts";
export { workOf } from "./work-of.ts";
