import { dirname } from "node:path";
import { z } from "zod";
import { AssayError, messageOf, readFile, sha256, sha256OfFile } from "#core";
import {
  type DataType,
  emptyGraph,
  type FloatTensor,
  type Graph,
  GraphBuilder,
  prune,
} from "#onnx";
import { type LayerContext, unsupported, Views } from "./layer.ts";
import { convolution } from "./layers/convolution.ts";
import { basic } from "./layers/dense.ts";
import { recurrentLayers } from "./layers/recurrent.ts";
import { shaping } from "./layers/shaping.ts";
import { type LayerSpec, type Topology, topologyOf } from "./topology.ts";
import {
  manifestSchema,
  readWeights,
  shardPaths,
  shardsOf,
} from "./weights.ts";

const importers = { ...basic, ...convolution, ...shaping, ...recurrentLayers };

/** Models in a model deeper than this are not made by people. */
const MAX_DEPTH = 16;

const fileSchema = z.object({
  format: z.string().optional(),
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: manifestSchema,
});

/** Whether a path is that of a TensorFlow.js model rather than of an ONNX one. */
export const isLayersModel = (path: string) => path.endsWith(".json");

/**
 * Reads a TensorFlow.js LayersModel: `model.json` with its weights beside it,
 * as tfjs saves it or tensorflowjs_converter makes it of a Keras model. Needs
 * no TensorFlow.js. Images keep Keras's layout, channels last.
 *
 * @throws FILE_UNREADABLE, MODEL_INVALID, MODEL_TRUNCATED for what is not such a model
 * @throws MODEL_LAYER for a layer that cannot be imported
 */
export function readLayersModel(path: string): Graph {
  const { topology, manifest } = parse(readFile(path), path);
  const weights = readWeights(manifest, dirname(path), path);
  const b = new GraphBuilder(emptyGraph(path));
  const inputs = topology.inputs.map((i) => addInput(b, topology, i, path));
  const outputs = addModel(
    { b, weights, file: path, depth: 0 },
    topology,
    inputs,
  );
  return {
    ...prune(b.build(outputs)),
    producer: "TensorFlow.js",
    metadata: new Map([["assay.layout", "NHWC"]]),
  };
}

/** The files of a model: its own first, then those of its weights. */
export function layersModelFiles(path: string): string[] {
  const { manifest } = parse(readFile(path), path);
  return [path, ...shardPaths(manifest, dirname(path), path)];
}

/** The hash of a model and its weights. */
export const hashLayersModel = (path: string): string =>
  sha256(layersModelFiles(path).map(sha256OfFile).join());

/**
 * The files of a model as TensorFlow.js takes them. Throws what `readLayersModel` does.
 */
export function layersFiles(path: string) {
  const { saved, manifest } = parse(readFile(path), path);
  return {
    topology: saved,
    weights: manifest.flatMap(({ weights }) => weights),
    bytes: Buffer.concat(shardsOf(manifest, dirname(path), path)),
  };
}

function parse(bytes: Uint8Array, path: string) {
  const refuse = (what: string, hint: string) =>
    new AssayError("MODEL_INVALID", `${path}: ${what}`, hint);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw refuse(
      `it is not JSON (${messageOf(error)})`,
      "Download or save the model again.",
    );
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(
      `it is not a TensorFlow.js model (at ${issue?.path.join(".") || "the top"}: ${issue?.message})`,
      "Give the model.json that tfjs's model.save writes, or an .onnx file.",
    );
  }
  const { format, modelTopology, weightsManifest } = parsed.data;
  if (format === "graph-model" || "node" in modelTopology)
    throw refuse(
      "it is a GraphModel, which has no layers",
      "Convert the model that it comes from to ONNX, with tf2onnx.",
    );
  return {
    saved: modelTopology,
    // A converted Keras model has its configuration one level deeper.
    topology: topologyOf(modelTopology.model_config ?? modelTopology, path),
    manifest: weightsManifest,
  };
}

const shapeSchema = z.array(z.int().positive().nullable()).min(1);

/**
 * Declares what an InputLayer takes. What only embeddings look at are whole numbers.
 */
function addInput(
  b: GraphBuilder,
  { calls }: Topology,
  at: number,
  file: string,
): string {
  const { layer } = calls[at]!;
  const { config, name } = layer;
  const shape = shapeSchema.safeParse(
    config.batch_input_shape ?? config.batch_shape,
  );
  if (!shape.success)
    throw new AssayError(
      "MODEL_INVALID",
      `${file}: layer "${name}" does not say which shape it takes`,
      "Build the model before it is saved, or give its first layer an inputShape.",
    );
  const readers = calls.filter((call) => call.inputs.includes(at));
  const type: DataType =
    readers.length > 0 &&
    readers.every((r) => r.layer.className === "Embedding")
      ? "int64"
      : "float32";
  const dims = shape.data.map((d, i) => (i === 0 ? "batch" : d));
  return b.input({ name, type, dims });
}

interface Place {
  readonly b: GraphBuilder;
  readonly weights: ReadonlyMap<string, FloatTensor>;
  readonly file: string;
  readonly depth: number;
  readonly views?: Views;
}

/** Adds every layer, and returns what the model gives out. */
function addModel(
  place: Place,
  topology: Topology,
  inputs: readonly string[],
): string[] {
  const { b, weights, file } = place;
  const views = place.views ?? new Views(b);
  const values: string[] = [];
  topology.calls.forEach(({ layer, inputs: from }, i) => {
    const given = topology.inputs.indexOf(i);
    if (given >= 0) {
      values.push(inputs[given] ?? "");
      return;
    }
    const xs = from.map((at) => values[at]!);
    values.push(
      addLayer(
        { ...place, views },
        {
          b,
          layer,
          views,
          inputs: xs,
          x: xs[0] ?? "",
          weight: (name) => weightOf(weights, layer, name, file),
        },
      ),
    );
  });
  return topology.outputs.map((at) => values[at]!);
}

function addLayer(place: Place, c: LayerContext): string {
  const { layer } = c;
  if (["Sequential", "Model", "Functional"].includes(layer.className)) {
    if (place.depth > MAX_DEPTH) throw unsupported(layer, "it is too deep");
    const inner = topologyOf(
      { class_name: layer.className, config: layer.config },
      place.file,
    );
    const [only, ...more] = addModel(
      { ...place, depth: place.depth + 1 },
      inner,
      c.inputs,
    );
    if (only && more.length === 0) return only;
    throw unsupported(layer, "it has several outputs");
  }
  const importer = Object.hasOwn(importers, layer.className)
    ? importers[layer.className]
    : undefined;
  if (importer) return importer(c);
  throw unsupported(layer, "layers of this class are not known");
}

/**
 * A weight by the name of its layer and its own; converters put scopes before
 * and `:0` behind.
 */
function weightOf(
  weights: ReadonlyMap<string, FloatTensor>,
  layer: LayerSpec,
  name: string,
  file: string,
): FloatTensor {
  const wanted = `${layer.name}/${name}`;
  const exact = weights.get(wanted);
  if (exact) return exact;
  const scoped = [...weights].filter(([full]) => {
    const plain = full.replace(/:\d+$/, "");
    return (
      plain === wanted ||
      plain.endsWith(`/${wanted}`) ||
      (plain.startsWith(`${layer.name}/`) && plain.endsWith(`/${name}`))
    );
  });
  const [only, ...more] = scoped;
  if (only && more.length === 0) return only[1];
  throw new AssayError(
    "MODEL_INVALID",
    only
      ? `${file}: several weights could be "${wanted}" (${scoped.map(([n]) => n).join(", ")})`
      : `${file}: weight "${wanted}" is missing`,
    "Save the model again with all of its weights.",
  );
}
