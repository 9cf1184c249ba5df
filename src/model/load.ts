import type { z } from "zod";
import { AssayError } from "#core";
import { onnxruntime } from "#engine";
import {
  BATCH,
  type Graph,
  GraphBuilder,
  type Join,
  normalise,
  prune,
  toFloat32,
} from "#onnx";
import { type Bound, bindInput } from "./bind.ts";
import { refuseBranches } from "./branches.ts";
import type { contractSchema } from "./contract.ts";
import type { Detector } from "./detector.ts";
import { foldConstants } from "./fold.ts";
import { chooseHead, modelTask, outputAlone } from "./heads.ts";
import { statedOf } from "./inputs.ts";
import { layerGroups } from "./layers.ts";
import type { Model } from "./model.ts";
import { noiseOutside } from "./noise.ts";
import type { Pool } from "./outputs/features.ts";
import type { Found, Source } from "./outputs/found.ts";
import { findLogits } from "./outputs/logits.ts";
import {
  classNames,
  inOrderOf,
  pickedFrom,
  storedNames,
} from "./outputs/names.ts";
import { inRows } from "./outputs/positions.ts";
import {
  isClassic,
  lookAtScores,
  plainScores,
  type Scores,
} from "./outputs/scores.ts";
import type { RawUnits } from "./preprocessing.ts";
import { readGraph } from "./read.ts";
import { refusedBatch } from "./refused-batch.ts";
import { requireAll, withSafetensors } from "./safetensors.ts";
import { contractIn } from "./saved.ts";
import { isPlaced, meaningOf, type Task, taskSchema } from "./tasks/index.ts";

export interface LoadModelOptions {
  /** How the features of a bare body become one row, for a head to come. */
  readonly pool?: Pool;
  readonly input?: z.input<typeof contractSchema>;
  readonly classes?: readonly string[];
  /**
   * The output of each class, by number from 0 or by the file's own name, of a file
   * that has more. Where all classes are names of the file, they are found.
   */
  readonly outputs?: readonly (number | string)[];
  /** What the outputs mean; told by how the graph ends when left out. */
  readonly task?: z.input<typeof taskSchema>;
  /**
   * What the numbers of scaled rows stand for, for a model that was trained on the
   * columns of a table as they are.
   */
  readonly units?: RawUnits;
  /**
   * Which head of a file with several: the task of one that Assay wrote, or the name of
   * an output; the first when left out.
   */
  readonly head?: string;
  /**
   * A safetensors file whose weights take the place of those in the model's file, or
   * a LoRA adapter that is merged into them.
   */
  readonly weights?: string;
}

/**
 * Reads a model from an `.onnx` file, or from the `model.json` of a TensorFlow.js
 * LayersModel. Files that Assay wrote carry their contract; for others it comes
 * from the options. A model that was exported for one batch size is opened for
 * any, and proved.
 *
 * @throws MODEL_INPUT, MODEL_OUTPUT, MODEL_BATCH, TASK_LABELS, or what
 *   `readGraph` throws
 * @example
 * ```ts
 * import { loadModel } from "assay";
 *
 * const { classes, contract } = await loadModel("digits.onnx");
 * console.log(classes.length, contract.shape); // 10 [ 1, 8, 8 ]
 * ```
 */
export async function loadModel(
  path: string,
  options: LoadModelOptions = {},
): Promise<Model> {
  const { weights } = options;
  if (weights === undefined) return openModel(readGraph(path), path, options);
  const { graph, given } = withSafetensors(readGraph(path), weights);
  const model = await openModel(graph, path, options);
  if (!given) return model;
  const trained = layerGroups(model.graph).flatMap((g) => g.parameters);
  requireAll(weights, given, trained);
  return model;
}

/** The same from a graph. `file` names it in messages. */
export const openModel = async (
  source: Graph,
  file: string,
  options: LoadModelOptions = {},
): Promise<Model> => (await openAsRead(source, file, options)).model;

/** A model, and what its logits are of the outputs of its file. */
export interface AsRead {
  readonly model: Model;
  /** Absent for a file that Assay wrote. */
  readonly source?: Source;
}

/** The same with what was made of its outputs. */
export async function openAsRead(
  source: Graph,
  file: string,
  options: LoadModelOptions,
): Promise<AsRead> {
  const open = async (join: Join) => {
    const bound = boundGraph(source, file, options, join);
    const graph = bound.saved ? bound.graph : await settled(bound.graph);
    const scores = isClassic(source)
      ? await lookAtScores(
          { ...bound, graph },
          options.outputs ? undefined : options.classes,
          file,
        )
      : plainScores;
    const read = asModel({ ...bound, graph, scores }, file, options);
    const { batch, filled, embedding } = bound;
    // Masks and positions of texts are computed from each text.
    const isSure = batch === undefined && !(filled && embedding === undefined);
    const refused = isSure
      ? undefined
      : await refusedBatch(read.model, batch ?? firstSize(source, read), file);
    return { read, refused };
  };
  const { read, refused } = await open("front");
  if (!refused) return read;
  const other = await open("behind");
  if (other.refused) throw refused;
  return other.read;
}

/** The first size of the input in the file. */
const firstSize = ({ inputs }: Graph, { model }: AsRead) =>
  inputs.find(({ name }) => name === model.input)?.dims?.[0];

/**
 * With sizes bound, more is constant and more conditions are decided, which may
 * make more constant.
 */
async function settled(graph: Graph): Promise<Graph> {
  const plain = normalise(graph);
  const folded = await foldConstants(plain, onnxruntime);
  return folded === plain ? plain : settled(folded);
}

/**
 * A graph as a model, without running anything: one that was made here, whose batch is
 * open and whose scores are logits.
 */
export function modelOf(
  source: Graph,
  file: string,
  options: LoadModelOptions = {},
): Model {
  const bound = boundGraph(source, file, options);
  const graph = bound.saved ? bound.graph : normalise(bound.graph);
  return asModel({ ...bound, graph, scores: plainScores }, file, options).model;
}

/** A graph whose input is known, with what is told of its outputs. */
interface BoundGraph extends Bound {
  /** What Assay noted in a file that it wrote. */
  readonly saved: ReturnType<typeof contractIn>;
  /** The names that the file has for its classes. */
  readonly names?: readonly string[];
}

/** A graph up to its input. */
export function boundGraph(
  source: Graph,
  file: string,
  options: LoadModelOptions,
  join?: Join,
): BoundGraph {
  const entire = normalise(toFloat32(source));
  const saved = contractIn(entire.metadata, file);
  const graph = saved ? entire : outputAlone(entire, options.head, file);
  const stated = statedOf(options, saved?.input);
  return {
    ...bindInput(graph, stated, file, {
      units: saved ? undefined : options.units,
      join,
    }),
    saved,
    names: storedNames(entire),
  };
}

function asModel(
  {
    graph,
    saved,
    names,
    scores,
    batch: _batch,
    filled: _filled,
    ...bound
  }: BoundGraph & { scores: Scores },
  file: string,
  options: LoadModelOptions,
): AsRead {
  const { noise = [], detectors = [], heads = [] } = saved ?? {};
  const head = saved && chooseHead(heads, options.head, file);
  const stated = options.classes ?? head?.classes ?? saved?.classes;
  // Of several outputs some may be made without the choice.
  if (!saved && graph.outputs.length === 1) refuseBranches(graph, file);
  const found: Found = saved
    ? wholeOutput(
        noiseOutside(graph, noise, BATCH),
        head ? modelTask(head.task).task : saved.task,
        detectors,
        head?.logits,
      )
    : findLogits(graph, file, {
        task: options.task && taskSchema.parse(options.task),
        classes: options.outputs ? undefined : options.classes,
        scores,
        pool: options.pool,
        ids: bound.embedding === undefined ? undefined : bound.input,
        padding: options.input?.padding ?? 0,
        shape: bound.contract.shape,
      });
  const own = found.task || found.features ? undefined : names;
  refuseBranches(found.cut, file);
  if (options.outputs && found.task?.kind === "ctc")
    throw new AssayError(
      "MODEL_CLASSES",
      `${file} is read without an alignment: what it says hangs on all of its classes`,
      "Leave classes of the candidate out.",
    );
  const placed = options.outputs
    ? pickedFrom(found, options.outputs, own, file)
    : inOrderOf(found, own, stated, file);
  const classes = classNames(placed, stated, own, file);
  const { logits, cut, task } = saved ? placed : flattened(placed);
  const model: Model = {
    ...bound,
    graph: cut,
    logits,
    classes,
    task,
    features: found.features,
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
  return { model, source: found.source };
}

/** With the outputs of all positions in one row. */
function flattened(found: Found): Found {
  if (!isPlaced(found.task)) return found;
  const b = new GraphBuilder(found.cut, "output/");
  const logits = inRows(b, found.logits);
  return { ...found, logits, cut: b.build([logits]) };
}

/**
 * The graph of a model that Assay wrote ends in its logits, and in the scores
 * of its detectors.
 */
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
