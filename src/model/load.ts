import type { z } from "zod";
import { AssayError } from "#core";
import {
  BATCH,
  type DataType,
  type Dim,
  type Graph,
  type Join,
  normalise,
  openBatch,
  prune,
  toFloat32,
  type ValueInfo,
} from "#onnx";
import { contractSchema, sampleShape } from "./contract.ts";
import type { Detector } from "./detector.ts";
import { chooseHead, modelTask, outputAlone } from "./heads.ts";
import { chooseInput, fillOthers } from "./inputs.ts";
import { embeddingOf, takeFloats } from "./integers.ts";
import { layerGroups } from "./layers.ts";
import type { Model } from "./model.ts";
import { noiseOutside } from "./noise.ts";
import { classNames, type Found, findLogits, isClassic } from "./outputs.ts";
import { withPreprocessing } from "./preprocessing.ts";
import { readGraph } from "./read.ts";
import { refusedBatch } from "./refused-batch.ts";
import { requireAll, withSafetensors } from "./safetensors.ts";
import { contractIn } from "./saved.ts";
import { meaningOf, type Task, taskSchema } from "./tasks/index.ts";

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

/** Where the import of another format notes its layout of images. */
const LAYOUT = "assay.layout";

/**
 * Reads a model from an `.onnx` file, or from the `model.json` of a TensorFlow.js LayersModel. Files that Assay wrote carry their
 * contract; for others it comes from the options. A model that was exported for
 * one batch size is opened for any, and proved.
 *
 * @throws MODEL_INPUT, MODEL_OUTPUT, MODEL_BATCH, TASK_LABELS, or what `readGraph` throws
 */
export async function loadModel(
  path: string,
  options: LoadModelOptions = {},
): Promise<Model> {
  const { weights } = options;
  if (weights === undefined) return openModel(readGraph(path), path, options);
  const { graph, given } = withSafetensors(readGraph(path), weights);
  const model = await openModel(graph, path, options);
  const trained = layerGroups(model.graph).flatMap((g) => g.parameters);
  requireAll(weights, given, trained);
  return model;
}

/** The same from a graph. `file` names it in messages. */
export async function openModel(
  source: Graph,
  file: string,
  options: LoadModelOptions = {},
): Promise<Model> {
  const model = modelOf(source, file, options);
  const input = source.inputs.find((i) => i.name === model.input);
  const size = input?.dims?.[0];
  if (typeof size !== "number") return model;
  const refused = await refusedBatch(model, size, file);
  if (!refused) return model;
  const other = modelOf(source, file, options, "behind");
  if (await refusedBatch(other, size, file)) throw refused;
  return other;
}

/** A graph as a model without a proof of its batch, such as one that was made here. */
export function modelOf(
  source: Graph,
  file: string,
  options: LoadModelOptions = {},
  join?: Join,
): Model {
  const entire = normalise(toFloat32(source));
  const saved = contractIn(entire.metadata, file);
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
    join,
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
    task,
    noise: noise.length > 0 ? noise : undefined,
    detectors: detectors.length > 0 ? detectors : undefined,
    straightThrough: [
      ...(saved?.straightThrough ?? []),
      ...ready.straightThrough,
    ],
    embedding,
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
    task,
  };
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
