import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  arrayTypes,
  type Dim,
  type FloatTensor,
  floats,
  type Graph,
  sizeOf,
  type Tensor,
  tensor,
  type ValueInfo,
} from "#onnx";
import { compile } from "./compiled.ts";
import { type LoadModelOptions, loadModel } from "./load.ts";
import type { Model } from "./model.ts";
import { randomSamples } from "./random-samples.ts";
import { readGraph } from "./read.ts";
import { meaningOf } from "./tasks/index.ts";

/** Runs are of so many samples. */
const COUNTS = [1, 2];

/** The size of an axis that nothing states, such as the length of a text. */
const OPEN = 8;

/** More numbers than one or two samples have. */
const MOST = 2 ** 28;

/**
 * Opens a model and runs it on one and two samples, as its file is and as an audit
 * opens it. What this is for is that it ends: a model that is refused is refused again,
 * with its reason, where it is opened in earnest.
 *
 * @param gradient whether the gradient at its input is taken as well
 */
export async function firstRun(
  path: string,
  options: LoadModelOptions,
  gradient: boolean,
): Promise<void> {
  await asFarAsItGoes(() => runAsItIs(readGraph(path), options));
  await asFarAsItGoes(() => runAsOpened(path, options, gradient));
}

async function asFarAsItGoes(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch {
    // It ended, and does so again for whoever opens the model.
  }
}

async function runAsItIs(
  graph: Graph,
  { input }: LoadModelOptions,
): Promise<void> {
  const session = await onnxruntime.load(graph);
  for (const n of COUNTS)
    await session.run(
      Object.fromEntries(
        graph.inputs.map((info) => [
          info.name,
          anything(info, n, input?.shape),
        ]),
      ),
    );
  await session.release();
}

async function runAsOpened(
  path: string,
  options: LoadModelOptions,
  gradient: boolean,
): Promise<void> {
  const model = await loadModel(path, options);
  const compiled = await compile(model, onnxruntime);
  for (const n of COUNTS) {
    const x = randomSamples(model, n, new Random("first run"));
    const outputs = await compiled.logits(x);
    if (!gradient) continue;
    const targets = missedBy(model, outputs);
    await compiled.lossGradient(x, new Int32Array(n), { targets });
  }
  await compiled.release();
}

/** Targets that all outputs are far from, where the task has targets. */
function missedBy(
  model: Model,
  { data, dims }: FloatTensor,
): FloatTensor | undefined {
  const { targets, missed } = meaningOf(model);
  const [n = 0, width = 0] = dims;
  if (!targets || n === 0) return undefined;
  const rows = Array.from({ length: n }, (_, i) => [
    ...missed(data.subarray(i * width, (i + 1) * width)),
  ]);
  return floats([n, rows[0]?.length ?? 0], rows.flat());
}

/**
 * An input that any model may take: a half or one everywhere.
 *
 * @param shape of one sample, where that is stated
 */
function anything(
  { type, dims = [] }: ValueInfo,
  n: number,
  shape: readonly number[] | undefined,
): Tensor {
  const stated = shape?.length === dims.length - 1 ? [n, ...shape] : [n];
  const size = (dim: Dim, axis: number) =>
    typeof dim === "number" ? dim : (stated[axis] ?? OPEN);
  const sizes = dims.map(size);
  const count = sizeOf(sizes);
  if (count > MOST) throw new Error("no sample is as large");
  if (type === "string") return tensor(type, sizes, Array(count).fill("a"));
  const data = new arrayTypes[type](count);
  if (type === "float32" || type === "float64") data.fill(0.5 as never);
  else if (type === "float16") data.fill(0x3800 as never);
  else if (type === "bfloat16") data.fill(0x3f00 as never);
  else data.fill((type.endsWith("int64") ? 1n : 1) as never);
  return tensor(type, sizes, data as never);
}
