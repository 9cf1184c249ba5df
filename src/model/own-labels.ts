import { onnxruntime } from "#engine";
import { type FloatTensor, normalise, prune, rows } from "#onnx";
import { forwardRows } from "./batches.ts";
import { asFed } from "./integers.ts";
import { boundGraph, type LoadModelOptions } from "./load.ts";
import type { Model } from "./model.ts";
import { ownLabelOf } from "./outputs/names.ts";
import { readGraph } from "./read.ts";

/**
 * What a file itself says of samples, by its output of labels: the class that the model
 * has for each, -1 where it has none of that name. Undefined for a file without such an
 * output, and for a model that is no classifier.
 *
 * @param model as `loadModel` opened the file with these options
 * @param x raw inputs [N, ...shape]
 * @throws ENGINE_LOAD, ENGINE_RUN
 */
export async function ownLabels(
  path: string,
  options: LoadModelOptions,
  { task, classes }: Model,
  x: FloatTensor,
): Promise<Int32Array | undefined> {
  const kind = task?.kind ?? "classes";
  const bound = boundGraph(readGraph(path), path, {
    ...options,
    head: undefined,
  });
  const graph = normalise(bound.graph);
  const own = bound.saved || kind !== "classes" ? undefined : ownLabelOf(graph);
  if (!own) return undefined;
  const { output, names } = own;
  // Of some of its outputs the file does not say which is the largest.
  if (options.outputs || (names && names.length > classes.length))
    return undefined;
  // Names of the data's classes say which output is which. Others stand in the
  // order of the outputs.
  const order = names?.every((name) => classes.includes(name))
    ? classes
    : names;
  const labels = prune({
    ...graph,
    outputs: graph.outputs.filter((o) => o.name === output),
  });
  const most = forwardRows(labels);
  const session = await onnxruntime.load(labels);
  const said: number[] = [];
  try {
    for (let from = 0; from < x.dims[0]!; from += most) {
      const part = rows(x, from, Math.min(x.dims[0]!, from + most));
      const fed = asFed(part as FloatTensor, graph, bound.input);
      const seen = (await session.run({ [bound.input]: fed }))[output];
      for (const label of Array.from((seen?.data ?? []) as ArrayLike<unknown>))
        said.push(order ? order.indexOf(String(label)) : Number(label));
    }
  } finally {
    await session.release();
  }
  return Int32Array.from(said);
}
