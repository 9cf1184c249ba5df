import { z } from "zod";
import { cholesky, inverseOfLower } from "#core";
import { evaluate, hidden, pooled, withInputGradient } from "#model";
import { type FloatTensor, floats, GraphBuilder, int, prune } from "#onnx";
import { copyAt } from "../copy.ts";
import {
  type DetectorParts,
  defineDetector,
  detectorParams,
} from "../detector.ts";
import type { Fitted } from "../fit.ts";
import { weighed, weighLayers } from "./layer-scores.ts";

/**
 * Of the mean variance, what is added to every variance, so that features that
 * never move have one.
 */
const RIDGE = 1e-4;

/**
 * Mahalanobis distance (Lee et al. 2018, arXiv:1807.03888): how far the features of a
 * layer, averaged over positions, are from the nearest class mean under one covariance
 * for all classes. The layers are weighed by logistic regression on FGSM examples of
 * the validation samples.
 *
 * With a `step` each layer looks at an input that was first moved by the sign of its
 * own distance's gradient, towards the nearest class, which in-distribution inputs
 * follow further. The paper chooses the size for each data set among 0 and 0.0005 to
 * 0.01 and publishes no default. It is off unless stated, since it costs another
 * forward and backward pass for each layer.
 */
export const mahalanobis = defineDetector({
  id: "mahalanobis",
  title: "Mahalanobis distance",
  summary:
    "Rejects inputs whose features, in several layers, are far from the mean of the nearest class.",
  caution:
    "Its weights are learned on FGSM examples: of other attacks it may see nothing. Few samples against many features make the covariance a guess.",
  reference: "Lee et al. 2018, arXiv:1807.03888",
  params: z.strictObject({
    ...detectorParams,
    layers: z
      .int()
      .positive()
      .default(5)
      .describe(
        "the most layers that are looked at; five in the authors' code",
      ),
    eps: z
      .number()
      .positive()
      .default(0.05)
      .describe(
        "size of the FGSM examples that weigh the layers, as a share of the input range",
      ),
    step: z
      .number()
      .nonnegative()
      .default(0)
      .describe(
        "size of the step towards the nearest class, as a share of the input range",
      ),
  }),
  gradient: "exact",
  async fit(input, { layers, eps, step }) {
    const { model, engine, train } = input;
    const values = hidden(model, layers);
    const features = await evaluate(model, engine, train.x, (b) =>
      values.map((value) => pooled(b, value)),
    );
    const found = new Map<string, FloatTensor>();
    features.forEach((f, k) => {
      const { whitening, means } = gaussian(f, train.y, train.classes.length);
      found.set(`whitening.${k}`, whitening);
      found.set(`means.${k}`, means);
    });
    const weights = await weighLayers(input, eps, (b) => {
      const copy: DetectorParts["copy"] = (graph, x) =>
        copyAt(b, model, graph, x);
      const parts = { b, x: model.input, model, copy };
      return values.map((value, k) => looked(parts, value, k, found, step));
    });
    return new Map([...found, ...weights]);
  },
  build(parts, { layers, step }) {
    const found = { get: parts.fitted };
    return weighed(
      parts,
      hidden(parts.model, layers).map((value, k) =>
        looked(parts, value, k, found, step),
      ),
    );
  },
});

/** The distance of one layer at the input, or where the step from it leads. */
function looked(
  parts: Pick<DetectorParts, "b" | "x" | "model" | "copy">,
  value: string,
  layer: number,
  found: Pick<Fitted, "get">,
  step: number,
): string {
  const { b, x, model, copy } = parts;
  if (step === 0) return distance(b, value, layer, found);
  const inner = new GraphBuilder(model.graph, "distance/");
  const own = distance(inner, value, layer, found);
  const measured = prune(inner.build([own]));
  const [low, high] = model.contract.bounds;
  const { graph, gradient } = withInputGradient(measured, own, model);
  const outputs = [{ name: gradient, type: "float32" as const }];
  const slope = copy(prune({ ...graph, outputs }), x)(gradient);
  const away = b.mul(b.op("Sign", [slope]), step * (high - low));
  return copy(measured, b.sub(x, away))(own);
}

/** The squared distance to the nearest class of one layer, [N]. */
function distance(
  b: GraphBuilder,
  value: string,
  layer: number,
  found: Pick<Fitted, "get">,
): string {
  const constant = (name: string) =>
    b.constant(found.get(`${name}.${layer}`) as FloatTensor);
  const white = b.matmul(pooled(b, value), constant("whitening"));
  const away = b.sub(b.unsqueeze(white, [1]), constant("means"));
  const squares = b.reduceSum(b.mul(away, away), [2]);
  return b.op("ReduceMin", [squares, b.ints([1])], { keepdims: int(0) });
}

/**
 * A matrix by which features [N, width] are multiplied so that their covariance within
 * classes is 1, and the class means [classes, width] after it.
 */
export function gaussian(
  { dims, data }: FloatTensor,
  y: Int32Array,
  classes: number,
): { whitening: FloatTensor; means: FloatTensor } {
  const [n = 0, width = 0] = dims;
  const sums = new Float64Array(classes * width);
  const counts = new Float64Array(classes);
  for (let i = 0; i < n; i++) {
    const label = y[i]!;
    counts[label] = counts[label]! + 1;
    for (let k = 0; k < width; k++)
      sums[label * width + k] = sums[label * width + k]! + data[i * width + k]!;
  }
  const means = sums.map((s, at) => s / (counts[Math.floor(at / width)] || 1));
  const covariance = new Float64Array(width * width);
  const away = new Float64Array(width);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < width; k++)
      away[k] = data[i * width + k]! - means[y[i]! * width + k]!;
    for (let k = 0; k < width; k++)
      for (let l = 0; l <= k; l++)
        covariance[k * width + l] =
          covariance[k * width + l]! + (away[k]! * away[l]!) / n;
  }
  let trace = 0;
  for (let k = 0; k < width; k++) trace += covariance[k * width + k]!;
  const ridge = RIDGE * (trace / width) + Number.EPSILON;
  for (let k = 0; k < width; k++)
    covariance[k * width + k] = covariance[k * width + k]! + ridge;
  // Of the inverse of L in A = L L', the transpose: features are rows.
  const inverse = inverseOfLower(cholesky(covariance, width), width);
  const whitening = new Float32Array(width * width);
  for (let k = 0; k < width; k++)
    for (let l = 0; l < width; l++)
      whitening[k * width + l] = inverse[l * width + k]!;
  const white = new Float32Array(classes * width);
  for (let c = 0; c < classes; c++)
    for (let l = 0; l < width; l++) {
      let sum = 0;
      for (let k = 0; k <= l; k++)
        sum += means[c * width + k]! * inverse[l * width + k]!;
      white[c * width + l] = sum;
    }
  return {
    whitening: floats([width, width], whitening),
    means: floats([classes, width], white),
  };
}
