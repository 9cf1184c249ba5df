export {
  type Dataset,
  dataset,
  selectClasses,
  takeSamples,
} from "./dataset.ts";
export { type DataSpec, dataSpecSchema, loadDataset } from "./load.ts";
export { type Shares, splitDataset, stratifiedSample } from "./split.ts";
