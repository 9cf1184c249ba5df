import { z } from "zod";
import { AssayError } from "#core";
import { type Graph, writeModel } from "#onnx";
import { contractSchema } from "./contract.ts";
import { addRejected } from "./detection.ts";
import { detectorSchema } from "./detector.ts";
import { headOutputs } from "./heads.ts";
import type { Model } from "./model.ts";
import { noiseInside, noiseSchema } from "./noise.ts";
import { taskSchema } from "./tasks/index.ts";

const METADATA = "assay.model";

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
    noise: model.noise,
    heads: model.heads,
    detectors: model.detectors,
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

/**
 * Writes a model whole or not at all, as an .onnx file that anything runs and
 * `loadModel` reads with what it expects and says.
 *
 * @param metadata further entries of the file's metadata
 * @throws FILE_UNWRITABLE where the file cannot be written
 * @example
 * ```ts
 * import { loadModel, saveModel } from "assay";
 *
 * saveModel("copy.onnx", await loadModel("digits.onnx"), { note: "a copy" });
 * ```
 */
export function saveModel(
  path: string,
  model: Model,
  metadata: Readonly<Record<string, string>> = {},
): void {
  writeModel(path, toFile(model, metadata));
}

/**
 * The names of the classes in a file that Assay wrote; undefined for
 * one from elsewhere.
 */
export function recordedClasses(
  { metadata }: Graph,
  file: string,
): readonly string[] | undefined {
  return contractIn(metadata, file)?.classes;
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

/** Whether Assay wrote the file of a model. */
export const isOurs = ({ graph }: Model): boolean =>
  graph.metadata.has(METADATA);

/**
 * What Assay noted in a file that it wrote; undefined in one from elsewhere.
 * Throws MODEL_METADATA.
 */
export function contractIn(metadata: Graph["metadata"], file: string) {
  const text = metadata.get(METADATA);
  if (text === undefined) return undefined;
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
