import { AssayError } from "#core";
import { onnxruntime } from "#engine";
import {
  BATCH,
  emptyGraph,
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  sizeOf,
  takeRows,
} from "#onnx";
import { forwardRows } from "../batches.ts";
import { isLayersModel } from "../layers-model/read.ts";
import { type AsRead, type LoadModelOptions, openAsRead } from "../load.ts";
import { twoLogits } from "../outputs/logits.ts";
import { inOrderOf, pickedFrom, storedNames } from "../outputs/names.ts";
import { placed } from "../outputs/positions.ts";
import { readGraph } from "../read.ts";
import { withSafetensors } from "../safetensors.ts";
import { isPlaced } from "../tasks/index.ts";
import { type Front, frontOf } from "./front.ts";
import { inOnnxruntime } from "./in-onnxruntime.ts";
import { inTensorFlow } from "./in-tensorflow.ts";
import { notCompared, type Shipped } from "./shipped.ts";

/** Answers of a file as it is. */
export interface Given {
  /**
   * [N, outputs] in the order and with the signs of the model's own: the same one is
   * the largest, the same ones are above 0, and values are the same.
   */
  readonly outputs: FloatTensor;
  /** What ran it, such as "onnxruntime". */
  readonly by: string;
}

/**
 * What a file answers samples as it is: in its own types, of its own operators and
 * with its own batch, behind preprocessing and with its other inputs filled as the
 * suite states. ONNX is run by onnxruntime, a LayersModel by TensorFlow.js itself.
 *
 * @param options with which `loadModel` opens the file
 * @param x raw inputs [N, ...shape], or token ids
 * @throws NOT_COMPARED, ENGINE_MISSING, ENGINE_LOAD, ENGINE_RUN where it
 *   cannot be run so
 */
export async function answersAsGiven(
  path: string,
  options: LoadModelOptions,
  x: FloatTensor,
): Promise<Given> {
  const { weights } = options;
  const isLayers = isLayersModel(path);
  if (isLayers && weights)
    throw notCompared(
      "its weights are those of another file",
      "Save the LayersModel with them.",
    );
  const read = readGraph(path);
  const file = weights ? withSafetensors(read, weights).graph : read;
  const opened = await openAsRead(file, path, options);
  const { model, source } = opened;
  if (model.features)
    throw notCompared("it gives features", "Compare what is tuned from it.");
  if (model.noise)
    throw notCompared("it draws at random", "Run it without its noise.");
  const output = source?.output.name ?? model.logits;
  const front = await frontOf(file, path, options, model);
  const whole = isLayers
    ? await inTensorFlow(path, file, output)
    : await inOnnxruntime(file, output);
  try {
    const batch = file.inputs.find((i) => i.name === model.input)?.dims?.[0];
    const isTurned = model.task?.kind === "ctc" && model.task.stepsFirst;
    const rows = isTurned ? batchFirst(whole) : whole;
    const scores =
      typeof batch === "number"
        ? await inParts(x, batch, front, rows)
        : await scoresOf(x, forwardRows(model.graph), front, rows);
    const outputs = await asJudged(scores, file, path, options, opened);
    return { outputs, by: whole.by };
  } finally {
    await front.release();
    await whole.release();
  }
}

/** The same of a file whose outputs are [steps, N, classes]. */
const batchFirst = (whole: Shipped): Shipped => ({
  ...whole,
  async run(fed) {
    const { data, dims } = await whole.run(fed);
    const [steps = 0, n = 0, classes = 0] = dims;
    const turned = new Float32Array(data.length);
    for (let t = 0; t < steps; t++)
      for (let i = 0; i < n; i++) {
        const from = (t * n + i) * classes;
        const row = data.subarray(from, from + classes);
        turned.set(row, (i * steps + t) * classes);
      }
    return floats([n, steps, classes], turned);
  },
});

/** The output that is judged, [N, outputs], of a file that takes any batch. */
async function scoresOf(
  x: FloatTensor,
  most: number,
  front: Front,
  whole: Shipped,
): Promise<FloatTensor> {
  try {
    const n = x.dims[0] ?? 0;
    return await inParts(x, Math.min(most, n), front, whole);
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "ENGINE_RUN")
      throw error;
    // Its other inputs, or a size that was baked in, may be those of one sample.
    return inParts(x, 1, front, whole);
  }
}

/** The first samples fill up the last of the batches, which all have one size. */
async function inParts(
  x: FloatTensor,
  size: number,
  front: Front,
  whole: Shipped,
): Promise<FloatTensor> {
  const n = x.dims[0] ?? 0;
  const parts: Float32Array[] = [];
  for (let from = 0; from < n; from += Math.max(1, size)) {
    const chosen = Array.from({ length: size }, (_, i) => (from + i) % n);
    const { data } = await whole.run(await front.run(takeRows(x, chosen)));
    const width = data.length / size;
    if (!Number.isInteger(width))
      throw notCompared(
        `it gives ${data.length} numbers for ${size} samples`,
        "Export the model with a row of outputs for each sample.",
      );
    parts.push(data.subarray(0, width * Math.min(size, n - from)));
  }
  const all = new Float32Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return floats([n, all.length / Math.max(1, n)], all);
}

/**
 * A file's own output with the order and the signs of the outputs that are judged, by
 * what `findLogits` does behind it.
 */
async function asJudged(
  scores: FloatTensor,
  file: Graph,
  path: string,
  { classes, outputs }: LoadModelOptions,
  { model, source }: AsRead,
): Promise<FloatTensor> {
  if (!source) return scores;
  const width = scores.dims[1] ?? 0;
  const input = {
    name: SCORES,
    type: "float32",
    dims: [BATCH, width],
  } as const;
  const b = new GraphBuilder({ ...emptyGraph("behind"), inputs: [input] });
  const signed = source.shares ? b.sub(SCORES, 0.5) : SCORES;
  const { task } = model;
  const each = isPlaced(task) ? width / sizeOf(task.shape ?? []) : width;
  const two = isPlaced(task)
    ? placed(b, signed, task, each)
    : source.from === "one logit"
      ? twoLogits(b, signed)
      : signed;
  const logits = b.op("Identity", [
    source.reversed ? b.op("Gather", [two, b.ints([1, 0])], LAST) : two,
  ]);
  const found = { logits, cut: b.build([logits]) };
  const own = model.task || model.features ? undefined : storedNames(file);
  const inOrder = outputs
    ? pickedFrom(found, outputs, own, path)
    : inOrderOf(found, own, classes, path);
  const session = await onnxruntime.load(inOrder.cut);
  try {
    const seen = await session.run({ [SCORES]: scores });
    const { data, dims } = seen[inOrder.logits] as FloatTensor;
    return floats([dims[0] ?? 0, sizeOf(dims.slice(1))], data);
  } finally {
    await session.release();
  }
}

const SCORES = "as-given/scores";
const LAST = { axis: { kind: "int", value: 1 } } as const;
