export {
  type Dataset,
  dataset,
  labelOf,
  selectClasses,
  type TextReader,
  type Texts,
  takeSamples,
  textsAt,
} from "./dataset.ts";
export { type DataSpec, dataSpecSchema, loadDataset } from "./load.ts";
export { decodeNpy, encodeNpy } from "./npy.ts";
export { encodePng } from "./png.ts";
export { type Shares, splitDataset, stratifiedSample } from "./split.ts";
export { openTokens } from "./text/tokenizer.ts";
