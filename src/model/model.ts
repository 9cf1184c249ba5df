import { z } from "zod";
import type { StraightThrough } from "#autodiff";
import { AssayError } from "#core";
import {
  BATCH,
  type DataType,
  type Dim,
  floats,
  type Graph,
  type GraphBuilder,
  normalise,
  openBatch,
  prepend,
  prune,
  toFloat32,
  type ValueInfo,
  writeModel,
} from "#onnx";
import { contractSchema, type InputContract, sampleShape } from "./contract.ts";
import { addRejected, type Detector, detectorSchema } from "./detection.ts";
import {
  chooseHead,
  type Head,
  headOutputs,
  modelTask,
  outputAlone,
} from "./heads.ts";
import { chooseInput, fillOthers } from "./inputs.ts";
import { embeddingOf, takeFloats } from "./integers.ts";
import { layerGroups } from "./layers.ts";
import {
  type NoiseInput,
  noiseInside,
  noiseOutside,
  noiseSchema,
} from "./noise.ts";
import { classNames, type Found, findLogits, isClassic } from "./outputs.ts";
import { readGraph } from "./read.ts";
import { requireAll, withSafetensors } from "./safetensors.ts";
import { meaningOf, type Task, taskSchema } from "./tasks/index.ts";

/** A graph from raw input [N, ...shape] to logits or values [N, outputs], what it expects, and what they mean. */
export interface Model {
  readonly graph: Graph;
  readonly input: string;
  readonly logits: string;
  readonly contract: InputContract;
  /** Names of the outputs. */
  readonly classes: readonly string[];
  /** A classifier when left out. */
  readonly task?: Task;
  /** Heads of several tasks on one trunk, whose outputs stand side by side in the logits; see `withHeads`. */
  readonly heads?: readonly Head[];
  /** Parts that gradients pass over unchanged: sanitizers that round or sort. */
  readonly straightThrough: readonly StraightThrough[];
  /** Inputs that are fed with random numbers; a model without any answers alike whenever it is asked. */
  readonly noise?: readonly NoiseInput[];
  /** What looks at the input, and may refuse it an answer; their scores are outputs of the graph behind the logits. */
  readonly detectors?: readonly Detector[];
  /** Of a text model, whose input is token ids: the value in which they are vectors, where gradients are taken instead. */
  readonly embedding?: string;
}

export interface LoadModelOptions {
  readonly input?: z.input<typeof contractSchema>;
  readonly classes?: readonly string[];
  /** What the outputs mean; told by how the graph ends when left out. */
  readonly task?: z.input<typeof taskSchema>;
  /** Which head of a file with several: the task of one that Assay wrote, or the name of an output; the first when left out. */
  readonly head?: string;
  /** A safetensors file whose weights take the place of those in the model's file. */
  readonly weights?: string;
}

const METADATA = "assay.model";

/** Where the import of another format notes its layout of images. */
const LAYOUT = "assay.layout";

/**
 * Reads a model from an `.onnx` file, or from the `model.json` of a TensorFlow.js LayersModel. Files that Assay wrote carry their
 * contract; for others it comes from the options. A model that was exported for
 * one batch size is opened for any; an audit proves it before anything counts.
 *
 * @throws MODEL_INPUT, MODEL_OUTPUT, TASK_LABELS, or what `readGraph` throws
 */
export function loadModel(path: string, options: LoadModelOptions = {}): Model {
  const { weights } = options;
  if (weights === undefined) return modelOf(readGraph(path), path, options);
  const { graph, given } = withSafetensors(readGraph(path), weights);
  const model = modelOf(graph, path, options);
  const trained = layerGroups(model.graph).flatMap((g) => g.parameters);
  requireAll(weights, given, trained);
  return model;
}

/** The same from a graph. `file` names it in messages. */
export function modelOf(
  source: Graph,
  file: string,
  options: LoadModelOptions = {},
): Model {
  const entire = normalise(toFloat32(source));
  const recorded = entire.metadata.get(METADATA);
  const saved = recorded ? parseMetadata(recorded, file) : undefined;
  const fixed = saved ? entire : outputAlone(entire, options.head, file);
  const stated = contractSchema.parse(options.input ?? saved?.input ?? {});

  const chosen = chooseInput(fixed, stated, file);
  const alone = fillOthers(fixed, chosen, stated, file);
  const whole = isInteger(chosen.type);
  const embedding = whole ? embeddingOf(alone, chosen.name) : undefined;
  const isPixels = whole && embedding === undefined;
  const graph = openBatch(
    isPixels ? takeFloats(alone, chosen, file) : alone,
    chosen.name,
  );
  const input = graph.inputs[0]!;
  if (input.type !== "float32" && !embedding) {
    throw new AssayError(
      "MODEL_INPUT",
      `${file}: input "${input.name}" is ${input.type}, expected numbers`,
      "Export the model with a float32 input.",
    );
  }
  const layout =
    stated.layout ?? layoutOf(input.dims?.slice(1), fixed.metadata.get(LAYOUT));
  const native = sampleShape(input, inLayout(stated.shape, layout), file);
  const shape = layout === "NHWC" ? channelsFirst(native) : native;
  const raw: ValueInfo = { ...input, dims: [BATCH, ...native] };
  const bound = { ...graph, inputs: [raw] };
  const ready = embedding
    ? { graph: bound, straightThrough: [] }
    : withPreprocessing(bound, raw, shape, {
        ...stated,
        layout,
        scale: stated.scale ?? (chosen.type === "uint8" ? 255 : 1),
        rounds: isPixels,
      });
  // With sizes bound, more conditions are known.
  const noise = saved?.noise ?? [];
  const detectors = saved?.detectors ?? [];
  const head = saved && chooseHead(saved.heads ?? [], options.head, file);
  const { logits, cut, task }: Found = saved
    ? wholeOutput(
        noiseOutside(ready.graph, noise, BATCH),
        head ? modelTask(head.task).task : saved.task,
        detectors,
        head?.logits,
      )
    : findLogits(normalise(ready.graph), file, {
        task: options.task && taskSchema.parse(options.task),
        classes: options.classes,
        classic: isClassic(source),
      });
  const classes = classNames(
    cut,
    logits,
    options.classes ?? head?.classes ?? saved?.classes,
    file,
  );
  const model: Model = {
    graph: cut,
    input: input.name,
    logits,
    contract: { shape, bounds: stated.bounds },
    classes,
    ...(task ? { task } : {}),
    ...(noise.length > 0 ? { noise } : {}),
    ...(detectors.length > 0 ? { detectors } : {}),
    straightThrough: [
      ...(saved?.straightThrough ?? []),
      ...ready.straightThrough,
    ],
    ...(embedding ? { embedding } : {}),
  };
  if (meaningOf(model).classes < 2) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} has one class, whatever the input`,
      "Export the model with a logit for each class, or state its task in the suite.",
    );
  }
  return model;
}

const isInteger = (type: DataType) => /^u?int/.test(type);

/** The graph of a model that Assay wrote ends in its logits, and in the scores of its detectors. */
function wholeOutput(
  graph: Graph,
  task: Task | undefined,
  detectors: readonly Detector[],
  logits = graph.outputs[0]?.name ?? "",
): Found {
  const kept = new Set([logits, ...detectors.map(({ score }) => score)]);
  const outputs = graph.outputs.filter(({ name }) => kept.has(name));
  return {
    logits,
    cut: prune({ ...graph, outputs }),
    ...(task ? { task } : {}),
  };
}

/**
 * The file's graph: the model with its contract in the metadata, to be read back
 * by `loadModel` and run by anything. Its noise is drawn inside, from fixed
 * seeds. With detectors that reject it has an output "rejected" as well, true
 * for each row that is refused an answer. One with several heads has an output for
 * each, under the name of its task.
 */
export function toFile(
  model: Model,
  metadata: Readonly<Record<string, string>> = {},
): Graph {
  const { shape, bounds } = model.contract;
  const own = JSON.stringify({
    input: { name: model.input, shape, bounds, layout: "NCHW", scale: 1 },
    classes: model.classes,
    task: model.task,
    straightThrough: model.straightThrough,
    ...(model.noise ? { noise: model.noise } : {}),
    ...(model.heads ? { heads: model.heads } : {}),
    ...(model.detectors ? { detectors: model.detectors } : {}),
  });
  const graph = model.heads ? headOutputs(model) : model.graph;
  const whole = addRejected(graph, model.detectors ?? []);
  return {
    ...noiseInside(whole, model.noise ?? [], model.input),
    producer: "assay",
    metadata: new Map([
      ...model.graph.metadata,
      [METADATA, own],
      ...Object.entries(metadata),
    ]),
  };
}

/** Writes a model whole or not at all. */
export function saveModel(
  path: string,
  model: Model,
  metadata: Readonly<Record<string, string>> = {},
): void {
  writeModel(path, toFile(model, metadata));
}

/** The names of the classes in a file that Assay wrote; undefined for one from elsewhere. */
export function recordedClasses(
  { metadata }: Graph,
  file: string,
): readonly string[] | undefined {
  const recorded = metadata.get(METADATA);
  return recorded ? parseMetadata(recorded, file).classes : undefined;
}

const headSchema = z.object({
  name: z.string(),
  logits: z.string(),
  parameters: z.array(z.string()),
  classes: z.array(z.string()),
  task: taskSchema.optional(),
});

const metadataSchema = z.object({
  input: contractSchema,
  classes: z.array(z.string()),
  task: taskSchema.optional(),
  straightThrough: z.array(z.object({ input: z.string(), output: z.string() })),
  noise: noiseSchema.optional(),
  detectors: z.array(detectorSchema).optional(),
  heads: z.array(headSchema).min(1).optional(),
});

function parseMetadata(text: string, file: string) {
  try {
    return metadataSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new AssayError(
      "MODEL_METADATA",
      `${file}: its metadata "${METADATA}" is damaged`,
      "State input and classes in the suite, or make the candidate again.",
      { cause: error },
    );
  }
}

/** Channels last, where it is noted or only the last dimension can be that of channels. */
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

interface Preprocessing {
  readonly scale: number;
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
  readonly layout: "NCHW" | "NHWC";
  /** Whether the model takes whole numbers only. */
  readonly rounds: boolean;
}

/** Puts scaling, rounding, normalisation and layout in front, so that the graph takes raw NCHW input within its bounds. */
function withPreprocessing(
  graph: Graph,
  raw: ValueInfo,
  shape: readonly number[],
  { scale, mean, std, layout, rounds }: Preprocessing,
): { graph: Graph; straightThrough: StraightThrough[] } {
  const plain = scale === 1 && isAll(mean, 0) && isAll(std, 1) && !rounds;
  if (plain && layout === "NCHW") return { graph, straightThrough: [] };
  const outer = { ...raw, dims: [BATCH, ...shape] };
  const straightThrough: StraightThrough[] = [];
  const { graph: wrapped } = prepend(
    { ...graph, inputs: [outer] },
    raw.name,
    "preprocessing/",
    (b, x) => {
      const scaled = scale === 1 ? x : b.mul(x, scale);
      const whole = rounds ? b.op("Round", [scaled]) : scaled;
      if (rounds) straightThrough.push({ input: scaled, output: whole });
      const centred = isAll(mean, 0)
        ? whole
        : b.sub(whole, channels(b, mean, shape));
      const unit = isAll(std, 1)
        ? centred
        : b.div(centred, channels(b, std, shape));
      return layout === "NHWC" ? b.transpose(unit, [0, 2, 3, 1]) : unit;
    },
  );
  return { graph: wrapped, straightThrough };
}

const isAll = (value: number | readonly number[], expected: number) =>
  [value].flat().every((v) => v === expected);

function channels(
  b: GraphBuilder,
  value: number | readonly number[],
  shape: readonly number[],
): string {
  const values = [value].flat();
  if (values.length !== 1 && values.length !== shape[0]) {
    throw new AssayError(
      "MODEL_INPUT",
      `input.mean or input.std has ${values.length} values, the model has ${shape[0]} channels`,
      "Give one number, or one for each channel.",
    );
  }
  return b.constant(
    floats([1, values.length, ...shape.slice(1).map(() => 1)], values),
  );
}
