export {
  type Dataset,
  dataset,
  selectClasses,
  takeSamples,
} from "./dataset.ts";
export { type DataSpec, dataSpecSchema, loadDataset } from "./load.ts";
export { decodeNpy, encodeNpy } from "./npy.ts";
export { type Shares, splitDataset, stratifiedSample } from "./split.ts";
