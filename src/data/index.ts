export {
  type Dataset,
  dataset,
  labelOf,
  type Part,
  selectClasses,
  type TextReader,
  type Texts,
  takeSamples,
  textsAt,
  withParts,
} from "./dataset.ts";
export { type DataSpec, dataSpecSchema, loadDataset } from "./load.ts";
export { decodeNpy, encodeNpy } from "./npy.ts";
export { splitByFiles } from "./parts.ts";
export { encodePng } from "./png.ts";
export { type Shares, splitDataset, stratifiedSample } from "./split.ts";
export { openTokens } from "./text/tokenizer.ts";
