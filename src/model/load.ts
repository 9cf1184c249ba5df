import type { z } from "zod";
import { AssayError } from "#core";
import { onnxruntime } from "#engine";
import {
  BATCH,
  type Graph,
  type Join,
  normalise,
  prune,
  toFloat32,
} from "#onnx";
import { type Bound, bindInput } from "./bind.ts";
import { contractSchema } from "./contract.ts";
import type { Detector } from "./detector.ts";
import { foldConstants } from "./fold.ts";
import { chooseHead, modelTask, outputAlone } from "./heads.ts";
import { layerGroups } from "./layers.ts";
import type { Model } from "./model.ts";
import { noiseOutside } from "./noise.ts";
import { classNames, type Found, findLogits, isClassic } from "./outputs.ts";
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
  const open = async (join: Join) => {
    const bound = boundGraph(source, file, options, join);
    const graph = bound.saved ? bound.graph : await settled(bound.graph);
    const model = asModel({ ...bound, graph }, file, options);
    const { batch } = bound;
    const refused =
      batch === undefined ? undefined : await refusedBatch(model, batch, file);
    return { model, refused };
  };
  const { model, refused } = await open("front");
  if (!refused) return model;
  const other = await open("behind");
  if (other.refused) throw refused;
  return other.model;
}

/** With sizes bound, more is constant and more conditions are decided, which may make more constant. */
async function settled(graph: Graph): Promise<Graph> {
  const plain = normalise(graph);
  const folded = await foldConstants(plain, onnxruntime);
  return folded === plain ? plain : settled(folded);
}

/** A graph as a model, without running anything: one that was made here, whose batch is open and whose constants are. */
export function modelOf(
  source: Graph,
  file: string,
  options: LoadModelOptions = {},
): Model {
  const bound = boundGraph(source, file, options);
  const graph = bound.saved ? bound.graph : normalise(bound.graph);
  return asModel({ ...bound, graph }, file, options);
}

/** A graph whose input is known, with what is told of its outputs. */
interface BoundGraph extends Bound {
  /** What Assay noted in a file that it wrote. */
  readonly saved: ReturnType<typeof contractIn>;
  readonly classic: boolean;
}

function boundGraph(
  source: Graph,
  file: string,
  options: LoadModelOptions,
  join?: Join,
): BoundGraph {
  const entire = normalise(toFloat32(source));
  const saved = contractIn(entire.metadata, file);
  const graph = saved ? entire : outputAlone(entire, options.head, file);
  const stated = contractSchema.parse(options.input ?? saved?.input ?? {});
  return {
    ...bindInput(graph, stated, file, join),
    saved,
    classic: isClassic(source),
  };
}

function asModel(
  { graph, saved, classic, batch: _batch, ...bound }: BoundGraph,
  file: string,
  options: LoadModelOptions,
): Model {
  const { noise = [], detectors = [], heads = [] } = saved ?? {};
  const head = saved && chooseHead(heads, options.head, file);
  const { logits, cut, task }: Found = saved
    ? wholeOutput(
        noiseOutside(graph, noise, BATCH),
        head ? modelTask(head.task).task : saved.task,
        detectors,
        head?.logits,
      )
    : findLogits(graph, file, {
        task: options.task && taskSchema.parse(options.task),
        classes: options.classes,
        classic,
      });
  const stated = options.classes ?? head?.classes ?? saved?.classes;
  const model: Model = {
    ...bound,
    graph: cut,
    logits,
    classes: classNames(cut, logits, stated, file),
    task,
    noise: noise.length > 0 ? noise : undefined,
    detectors: detectors.length > 0 ? detectors : undefined,
    straightThrough: [
      ...(saved?.straightThrough ?? []),
      ...bound.straightThrough,
    ],
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
