import { AssayError } from "#core";
import {
  BATCH,
  type DataType,
  type Dim,
  type Graph,
  type Join,
  normalise,
  openBatch,
  type ValueInfo,
} from "#onnx";
import { type InputContract, sampleShape } from "./contract.ts";
import { chooseInput, fillOthers, type Stated } from "./inputs.ts";
import { embeddingOf, takeFloats } from "./integers.ts";
import type { Model } from "./model.ts";
import { type RawUnits, withPreprocessing } from "./preprocessing.ts";

/** Where the import of another format notes its layout of images. */
const LAYOUT = "assay.layout";

/**
 * A graph from raw input [N, ...shape] to the outputs of its file, with the
 * input's contract.
 */
export interface Bound
  extends Pick<Model, "input" | "straightThrough" | "embedding"> {
  readonly graph: Graph;
  readonly contract: InputContract;
  /** The batch size that the file was exported for; undefined where it is open. */
  readonly batch?: number;
  /** Whether the file has other inputs, which were filled. */
  readonly filled: boolean;
}

/**
 * Chooses the input that is attacked, fills the others, opens a fixed batch, turns
 * bytes into floats and puts preprocessing in front.
 *
 * @param graph a normalised one
 * @throws MODEL_INPUT
 */
export function bindInput(
  graph: Graph,
  stated: Stated,
  file: string,
  { units, join }: { units?: RawUnits | undefined; join?: Join | undefined },
): Bound {
  const chosen = chooseInput(graph, stated, file);
  const alone = fillOthers(graph, chosen, stated, file);
  const whole = isInteger(chosen.type);
  const embedding = whole ? embeddingOf(alone, chosen.name) : undefined;
  const isPixels = whole && embedding === undefined;
  if (chosen.type === "int8" && stated.scale === undefined && !units)
    throw new AssayError(
      "MODEL_INPUT",
      `${file}: which int8 its input "${chosen.name}" has for 0 and for 1 is not known`,
      "State it in the suite: input: { scale: 255, mean: 128 } for pixels from -128 to 127.",
    );
  const opened = openBatch(
    isPixels ? takeFloats(alone, chosen, file) : alone,
    chosen.name,
    join,
  );
  const input = opened.inputs[0]!;
  if (input.type !== "float32" && !embedding) {
    throw new AssayError(
      "MODEL_INPUT",
      `${file}: input "${input.name}" is ${input.type}, expected numbers`,
      "Export the model with a float32 input.",
    );
  }
  const layout =
    stated.layout ?? layoutOf(input.dims?.slice(1), graph.metadata.get(LAYOUT));
  const native = sampleShape(input, inLayout(stated.shape, layout), file);
  const shape = layout === "NHWC" ? channelsFirst(native) : native;
  const raw: ValueInfo = { ...input, dims: [BATCH, ...native] };
  // Filled inputs decide conditions, whose branches may read the input.
  const bound = normalise({ ...opened, inputs: [raw] });
  const ready = embedding
    ? { graph: bound, straightThrough: [] }
    : withPreprocessing(bound, raw, shape, {
        ...stated,
        units,
        layout,
        scale: stated.scale ?? (chosen.type === "uint8" ? 255 : 1),
        rounds: isPixels,
      });
  const batch = chosen.dims?.[0];
  return {
    ...ready,
    input: input.name,
    contract: { shape, bounds: stated.bounds },
    embedding,
    batch: typeof batch === "number" ? batch : undefined,
    filled: graph.inputs.length > 1,
  };
}

const isInteger = (type: DataType) => /^u?int/.test(type);

/**
 * Channels last, where it is noted or only the last dimension can be that of channels.
 */
function layoutOf(
  sample: readonly Dim[] = [],
  noted?: string,
): "NCHW" | "NHWC" {
  if (noted === "NHWC" && sample.length === 3) return noted;
  const isChannels = (d: Dim | undefined) => d === 1 || d === 3;
  return sample.length === 3 && isChannels(sample[2]) && !isChannels(sample[0])
    ? "NHWC"
    : "NCHW";
}

const inLayout = (shape: readonly number[] | undefined, layout: string) =>
  shape && layout === "NHWC" ? [...shape.slice(1), shape[0] ?? 1] : shape;

const channelsFirst = (native: readonly number[]) => [
  native[native.length - 1] ?? 1,
  ...native.slice(0, -1),
];
