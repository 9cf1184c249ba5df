export { openArrow } from "./arrow.ts";
export {
  type Dataset,
  dataset,
  heldSamples,
  labelOf,
  type Part,
  selectClasses,
  type TextReader,
  type Texts,
  takeHeld,
  takeSamples,
  textsAt,
  withParts,
} from "./dataset.ts";
export {
  type Dialogue,
  type Dialogues,
  type Spoken,
  spokenRows,
} from "./dialogues/dialogue.ts";
export { sampleFingerprints } from "./fingerprints.ts";
export {
  type DataSpec,
  type DataSpecInput,
  dataSpecSchema,
  dataSpecSchemaOf,
  loadDataset,
} from "./load.ts";
export { decodeNpy } from "./npy.ts";
export { openParquet } from "./parquet.ts";
export { splitByFiles } from "./parts.ts";
export { encodePng } from "./png.ts";
export { reading } from "./row-stream.ts";
export { spelled, withBlank } from "./sequences.ts";
export {
  defineSource,
  type Locate,
  type Source,
  type SourceSamples,
  type SourceSchema,
  sourceId,
} from "./source.ts";
export { sources } from "./sources/index.ts";
export { type Shares, splitDataset, stratifiedSample } from "./split.ts";
export { openTokens } from "./text/tokenizer.ts";
export { validate } from "./validate.ts";
