import { crossEntropy, gradient } from "#autodiff";
import type { Engine } from "#engine";
import { type Dim, type FloatTensor, GraphBuilder } from "#onnx";
import { loadGradient } from "./differentiated.ts";
import { labelTensor } from "./loss-pass.ts";
import type { Model } from "./model.ts";

/** By weight, the gradient of a loss. */
export type WeightGradients = ReadonlyMap<string, FloatTensor>;

/** Compares gradients of a model's weights. */
export interface Matcher {
  /** The gradient of the summed cross-entropy of samples. */
  gradients(x: FloatTensor, y: Int32Array): Promise<WeightGradients>;
  /** 1 - cosine between that gradient and another one, and how it changes with x. */
  match(
    x: FloatTensor,
    y: Int32Array,
    wanted: WeightGradients,
  ): Promise<{ loss: number; slope: FloatTensor }>;
  release(): Promise<void>;
}

const LABELS = "assay.labels";
const wantedName = (weight: string) => `assay.wanted.${weight}`;

/**
 * Writes the gradient of the cross-entropy with respect to weights as a graph, its
 * cosine with a wanted gradient behind it, and differentiates that again.
 *
 * @param weights names of constants of the model
 * @param count samples that are matched at once: the gradient of a
 *   convolution's kernel is a convolution whose own kernel has the size of the
 *   batch, so that has to be known
 * @throws GRADIENT_UNSUPPORTED for an operator whose gradient has none
 */
export async function openMatcher(
  model: Model,
  weights: readonly string[],
  count: number,
  engine: Engine,
): Promise<Matcher> {
  const any = weightGradients(model, weights, "batch", engine);
  const first = await engine.load(any.graph);
  const fixed = weightGradients(model, weights, count, engine);
  const c = new GraphBuilder(fixed.graph, "cosine/");
  for (const weight of weights)
    c.input({
      name: wantedName(weight),
      type: "float32",
      dims: model.graph.constants.get(weight)?.dims ?? [],
    });
  const own = (weight: string) => fixed.gradients.get(weight) as string;
  const sum = (product: (weight: string) => [string, string]) => {
    const terms = weights.map((w) => c.reduceSum(c.mul(...product(w))));
    return terms.length === 1 ? terms[0]! : c.op("Sum", terms);
  };
  const dot = sum((w) => [own(w), wantedName(w)]);
  const lengths = c.mul(
    sum((w) => [own(w), own(w)]),
    sum((w) => [wantedName(w), wantedName(w)]),
  );
  const apart = c.sub(1, c.div(dot, c.sqrt(c.add(lengths, 1e-20))));
  const { session, gradients } = await loadGradient(engine, c.build([apart]), {
    of: apart,
    wrt: [model.input],
    straightThrough: model.straightThrough,
  });
  const slope = gradients.get(model.input) as string;
  const fed = (x: FloatTensor, y: Int32Array) => ({
    [model.input]: x,
    [LABELS]: labelTensor(y),
  });
  return {
    async gradients(x, y) {
      const out = await first.run(fed(x, y));
      return new Map(
        weights.map((w) => [
          w,
          out[any.gradients.get(w) as string] as FloatTensor,
        ]),
      );
    },
    async match(x, y, wanted) {
      const out = await session.run({
        ...fed(x, y),
        ...Object.fromEntries(
          [...wanted].map(([weight, g]) => [wantedName(weight), g]),
        ),
      });
      return {
        loss: (out[apart] as FloatTensor).data[0]!,
        slope: out[slope] as FloatTensor,
      };
    },
    async release() {
      await first.release();
      await session.release();
    },
  };
}

/** The graph of the gradients of the summed cross-entropy of a batch. */
function weightGradients(
  model: Model,
  weights: readonly string[],
  batch: Dim,
  engine: Engine,
) {
  const { graph } = model;
  const b = new GraphBuilder(
    {
      ...graph,
      inputs: graph.inputs.map((info) =>
        info.name === model.input && info.dims
          ? { ...info, dims: [batch, ...info.dims.slice(1)] }
          : info,
      ),
      // What was recorded holds for any batch.
      outputs: graph.outputs.map(({ name, type }) => ({ name, type })),
      valueInfo: [],
    },
    "match/",
  );
  b.input({ name: LABELS, type: "int64", dims: [batch] });
  const of = b.reduceSum(crossEntropy(b, model.logits, LABELS));
  return gradient(b.build([of]), {
    of,
    wrt: weights,
    straightThrough: model.straightThrough,
    // It is differentiated again.
    avoid: [...(engine.avoid ?? []), "large kernels"],
  });
}
