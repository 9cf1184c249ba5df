import { AssayError } from "#core";
import type { Engine } from "#engine";
import {
  concatRows,
  type FloatTensor,
  GraphBuilder,
  int,
  prune,
  rows,
} from "#onnx";
import { forwardRows } from "./batches.ts";
import { cutsOf } from "./cuts.ts";
import { asFed } from "./integers.ts";
import type { Model } from "./model.ts";

/**
 * The values between layer groups through which everything passes, from input
 * to output, [N, ...]; of many as many as asked for, evenly spread, the last
 * among them: the features that the head reads.
 */
export function hidden({ graph }: Model, most: number): string[] {
  const values = cutsOf(graph).map(({ value }) => value);
  if (values.length === 0)
    throw new AssayError(
      "NO_FEATURES",
      "the model has no value between its input and its head through which everything passes, so there are no features to look at",
      "Use a method that needs logits only, such as the detector energy.",
    );
  const count = Math.min(most, values.length);
  return Array.from(
    { length: count },
    (_, i) => values[Math.ceil(((i + 1) * values.length) / count) - 1]!,
  );
}

/** The features that the head reads. */
export const penultimate = (model: Model): string => hidden(model, 1)[0]!;

/** Features averaged over all but the batch and the channels: [N, C]. */
export function pooled(b: GraphBuilder, value: string): string {
  const rank = b.rankedDims(value).length;
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  return axes.length === 0
    ? value
    : b.op("ReduceMean", [value, b.ints(axes)], { keepdims: int(0) });
}

/** Features in one row, [N, width]. */
export const flat = (b: GraphBuilder, value: string): string =>
  b.rankedDims(value).length === 2
    ? value
    : b.op("Flatten", [value], { axis: int(1) });

/**
 * Computes values of a model for many inputs.
 *
 * @param add adds what is computed, each [N, ...]
 */
export async function evaluate(
  model: Model,
  engine: Engine,
  x: FloatTensor,
  add: (b: GraphBuilder) => readonly string[],
): Promise<FloatTensor[]> {
  const b = new GraphBuilder(model.graph, "features/");
  const values = add(b);
  const graph = prune(b.build(values));
  const most = forwardRows(graph);
  const session = await engine.load(graph);
  const n = x.dims[0] ?? 0;
  const parts: FloatTensor[][] = values.map(() => []);
  for (let from = 0; from < n; from += most) {
    const part = rows(x, from, Math.min(n, from + most)) as FloatTensor;
    const out = await session.run({
      [model.input]: asFed(part, model.graph, model.input),
    });
    values.forEach((value, k) => {
      parts[k]?.push(out[value] as FloatTensor);
    });
  }
  await session.release();
  return parts.map((all) => concatRows(all));
}
