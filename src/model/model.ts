import { z } from "zod";
import type { StraightThrough } from "#autodiff";
import { AssayError } from "#core";
import {
  BATCH,
  describeNode,
  floats,
  type Graph,
  GraphBuilder,
  normalise,
  openBatch,
  prepend,
  prune,
  readModel,
  type ValueInfo,
  writeModel,
} from "#onnx";
import { contractSchema, type InputContract, sampleShape } from "./contract.ts";

/** A classifier: a graph from raw input [N, ...shape] to logits [N, classes], and what it expects. */
export interface Model {
  readonly graph: Graph;
  readonly input: string;
  readonly logits: string;
  readonly contract: InputContract;
  readonly classes: readonly string[];
  /** Parts that gradients pass over unchanged: sanitizers that round or sort. */
  readonly straightThrough: readonly StraightThrough[];
}

export interface LoadModelOptions {
  readonly input?: z.input<typeof contractSchema>;
  readonly classes?: readonly string[];
}

const METADATA = "assay.model";

/**
 * Reads a classifier from an `.onnx` file. Files that Assay wrote carry their
 * contract; for others it comes from the options. A model that was exported for
 * one batch size is opened for any; an audit proves it before anything counts.
 *
 * @throws MODEL_INPUT, MODEL_OUTPUT, or what `readModel` throws
 */
export function loadModel(path: string, options: LoadModelOptions = {}): Model {
  return modelOf(readModel(path), path, options);
}

/** The same from a graph. `file` names it in messages. */
export function modelOf(
  source: Graph,
  file: string,
  options: LoadModelOptions = {},
): Model {
  const fixed = normalise(source);
  const recorded = fixed.metadata.get(METADATA);
  const saved = recorded ? parseMetadata(recorded, file) : undefined;
  const stated = contractSchema.parse(options.input ?? saved?.input ?? {});

  const graph = openBatch(fixed, onlyInput(fixed, file).name);
  const input = onlyInput(graph, file);
  const native = sampleShape(
    input,
    inLayout(stated.shape, stated.layout),
    file,
  );
  const shape = stated.layout === "NHWC" ? channelsFirst(native) : native;
  const raw: ValueInfo = { ...input, dims: [BATCH, ...native] };
  const bound = { ...graph, inputs: [raw] };
  const whole = withPreprocessing(bound, raw, shape, stated);
  const { logits, cut } = findLogits(whole, file);
  const classes = classNames(
    cut,
    logits,
    options.classes ?? saved?.classes,
    file,
  );
  return {
    graph: cut,
    input: input.name,
    logits,
    contract: { shape, bounds: stated.bounds },
    classes,
    straightThrough: saved?.straightThrough ?? [],
  };
}

/** The file's graph: the model with its contract in the metadata, to be read back by `loadModel` and run by anything. */
export function toFile(
  model: Model,
  metadata: Readonly<Record<string, string>> = {},
): Graph {
  const { shape, bounds } = model.contract;
  const own = JSON.stringify({
    input: { shape, bounds },
    classes: model.classes,
    straightThrough: model.straightThrough,
  });
  return {
    ...model.graph,
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

const metadataSchema = z.object({
  input: contractSchema,
  classes: z.array(z.string()),
  straightThrough: z.array(z.object({ input: z.string(), output: z.string() })),
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

function onlyInput(graph: Graph, file: string): ValueInfo {
  const [input, ...others] = graph.inputs;
  if (!input || others.length > 0) {
    throw new AssayError(
      "MODEL_INPUT",
      `${file} has ${graph.inputs.length} inputs (${graph.inputs.map((i) => i.name).join(", ") || "none"}), expected one`,
      "Export the model with the image as its only input.",
    );
  }
  if (input.type !== "float32") {
    throw new AssayError(
      "MODEL_INPUT",
      `${file}: input "${input.name}" is ${input.type}, expected float32`,
      "Export the model with a float32 input.",
    );
  }
  return input;
}

const inLayout = (shape: readonly number[] | undefined, layout: string) =>
  shape && layout === "NHWC" ? [...shape.slice(1), shape[0] ?? 1] : shape;

const channelsFirst = (native: readonly number[]) => [
  native[native.length - 1] ?? 1,
  ...native.slice(0, -1),
];

/** Puts scaling, normalisation and layout in front, so that the graph takes raw NCHW input within its bounds. */
function withPreprocessing(
  graph: Graph,
  raw: ValueInfo,
  shape: readonly number[],
  { scale, mean, std, layout }: z.output<typeof contractSchema>,
): Graph {
  const plain = scale === 1 && isAll(mean, 0) && isAll(std, 1);
  if (plain && layout === "NCHW") return graph;
  const outer = { ...raw, dims: [BATCH, ...shape] };
  const { graph: wrapped } = prepend(
    { ...graph, inputs: [outer] },
    raw.name,
    "preprocessing/",
    (b, x) => {
      const scaled = scale === 1 ? x : b.mul(x, scale);
      const centred = isAll(mean, 0)
        ? scaled
        : b.sub(scaled, channels(b, mean, shape));
      const unit = isAll(std, 1)
        ? centred
        : b.div(centred, channels(b, std, shape));
      return layout === "NHWC" ? b.transpose(unit, [0, 2, 3, 1]) : unit;
    },
  );
  return wrapped;
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

/** The logits: the model's output, or what goes into the Softmax that ends it. */
function findLogits(
  graph: Graph,
  file: string,
): { logits: string; cut: Graph } {
  const output = graph.outputs[0];
  if (!output) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} has no tensor output`,
      "Export the model with its logits as output.",
    );
  }
  const last = graph.nodes.find((n) => n.outputs.includes(output.name));
  if (last?.op === "Sigmoid") {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file} ends in ${describeNode(last)}: binary and multi-label heads are not supported`,
      "Export the model with one logit for each class.",
    );
  }
  const softmax = last?.op === "Softmax" && last.domain === "";
  const logits = softmax ? (last.inputs[0] as string) : output.name;
  const info: ValueInfo = softmax ? { name: logits, type: "float32" } : output;
  return { logits, cut: prune({ ...graph, outputs: [info] }) };
}

function classNames(
  graph: Graph,
  logits: string,
  stated: readonly string[] | undefined,
  file: string,
): readonly string[] {
  const dims = new GraphBuilder(graph).dims(logits);
  const count = dims?.length === 2 ? dims[1] : undefined;
  if (dims && dims.length !== 2) {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file}: output "${logits}" has shape [${dims.join(", ")}], expected [batch, classes]`,
      "Assay audits classifiers: export the model with logits [batch, classes].",
    );
  }
  if (stated) {
    if (typeof count === "number" && count !== stated.length) {
      throw new AssayError(
        "MODEL_OUTPUT",
        `${file} has ${count} classes, ${stated.length} names were given (${stated.join(", ")})`,
        "Give one name for each output of the model, in its order.",
      );
    }
    return stated;
  }
  if (typeof count !== "number") {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file}: the number of classes is not recorded`,
      "State the classes in the suite, in the order of the outputs.",
    );
  }
  return Array.from({ length: count }, (_, i) => String(i));
}
