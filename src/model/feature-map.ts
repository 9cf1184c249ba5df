import type { Engine } from "#engine";
import { type FloatTensor, floats, GraphBuilder, putRows, rows } from "#onnx";
import { flat } from "./activations.ts";
import { forwardRows, gradientRows } from "./batches.ts";
import { loadGradient } from "./differentiated.ts";
import { bodyOf } from "./head.ts";
import type { Model } from "./model.ts";

/** The features that a head reads, as a function of the input. */
export interface FeatureMap {
  readonly width: number;
  /** Features [N, width] of inputs [N, ...]. */
  of(x: FloatTensor): Promise<FloatTensor>;
  /**
   * The gradient, [N, ...], of the sum of the features, each weighted by a number of
   * `weights`, [N, width].
   */
  pullBack(x: FloatTensor, weights: FloatTensor): Promise<FloatTensor>;
  release(): Promise<void>;
}

const WEIGHTS = "assay.feature-weights";

/**
 * Makes the features of a model ready to be computed and pulled back to its input.
 *
 * @param cut where the head reads them (see `featuresAt`); before its last linear
 *   layer when left out
 * @throws HEAD_UNKNOWN, CUT_UNKNOWN, CUT_SHAPE, GRADIENT_UNSUPPORTED, GRADIENT_NO_PATH
 */
export async function openFeatures(
  model: Model,
  engine: Engine,
  cut?: string,
): Promise<FeatureMap> {
  const { graph, features, width } = bodyOf(model, cut);
  const forward = await engine.load(graph);
  const b = new GraphBuilder(graph, "features/");
  b.input({ name: WEIGHTS, type: "float32", dims: ["batch", width] });
  const of = b.reduceSum(b.mul(flat(b, features), WEIGHTS));
  const { session, gradients, ...made } = await loadGradient(
    engine,
    b.build([of]),
    { of, wrt: [model.input], straightThrough: model.straightThrough },
  );
  const forth = forwardRows(graph);
  const back = gradientRows(graph, engine, made.graph);
  const slope = gradients.get(model.input) as string;

  const inBatches = async (
    x: FloatTensor,
    result: FloatTensor,
    most: number,
    run: (from: number, to: number) => Promise<FloatTensor>,
  ) => {
    const n = x.dims[0] ?? 0;
    for (let from = 0; from < n; from += most) {
      const to = Math.min(n, from + most);
      const own = Array.from({ length: to - from }, (_, i) => from + i);
      putRows(result, own, await run(from, to));
    }
    return result;
  };
  const part = (x: FloatTensor, from: number, to: number) =>
    rows(x, from, to) as FloatTensor;
  return {
    width,
    of: (x) =>
      inBatches(x, empty([x.dims[0] ?? 0, width]), forth, async (from, to) => {
        const out = await forward.run({ [model.input]: part(x, from, to) });
        return out[features] as FloatTensor;
      }),
    pullBack: (x, weights) =>
      inBatches(x, empty(x.dims), back, async (from, to) => {
        const out = await session.run({
          [model.input]: part(x, from, to),
          [WEIGHTS]: part(weights, from, to),
        });
        return out[slope] as FloatTensor;
      }),
    async release() {
      await forward.release();
      await session.release();
    },
  };
}

const empty = (dims: readonly number[]): FloatTensor =>
  floats(dims, new Float32Array(dims.reduce((p, d) => p * d, 1)));
