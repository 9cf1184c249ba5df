import { z } from "zod";
import { evaluate, hidden, pooled } from "#model";
import { type FloatTensor, floats, type GraphBuilder, int } from "#onnx";
import { defineDetector, detectorParams } from "../detector.ts";
import type { Fitted } from "../fit.ts";
import { weighed, weighLayers } from "./layer-scores.ts";
import { cholesky, inverseOfLower } from "./matrices.ts";

/** Of the mean variance, what is added to every variance, so that features that never move have one. */
const RIDGE = 1e-4;

/**
 * Mahalanobis distance (Lee et al. 2018, arXiv:1807.03888): how far the features
 * of a layer, averaged over positions, are from the nearest class mean under one
 * covariance for all classes; the layers are weighed by logistic regression
 * on FGSM examples. Without the paper's step of the input along the score's
 * gradient, whose size 0 is among those that it chooses from.
 */
export const mahalanobis = defineDetector({
  id: "mahalanobis",
  title: "Mahalanobis distance",
  reference: "Lee et al. 2018, arXiv:1807.03888",
  params: z.strictObject({
    ...detectorParams,
    /** The most layers that are looked at; five in the authors' code. */
    layers: z.int().positive().default(5),
    /** Size of the FGSM examples that weigh the layers, as a share of the input range. */
    eps: z.number().positive().default(0.05),
  }),
  gradient: "exact",
  async fit(input, { layers, eps }) {
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
    const weights = await weighLayers(input, eps, (b) =>
      values.map((value, k) => distance(b, value, k, found)),
    );
    return new Map([...found, ...weights]);
  },
  build(scene, { layers }) {
    const { b, model, fitted } = scene;
    const found = { get: fitted };
    return weighed(
      scene,
      hidden(model, layers).map((value, k) => distance(b, value, k, found)),
    );
  },
});

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

/** A matrix by which features [N, width] are multiplied so that their covariance within classes is 1, and the class means [classes, width] after it. */
export function gaussian(
  { dims, data }: FloatTensor,
  y: Int32Array,
  classes: number,
): { whitening: FloatTensor; means: FloatTensor } {
  const [n = 0, width = 0] = dims;
  const sums = new Float64Array(classes * width);
  const counts = new Float64Array(classes);
  for (let i = 0; i < n; i++) {
    const label = y[i] as number;
    counts[label] = (counts[label] as number) + 1;
    for (let k = 0; k < width; k++)
      sums[label * width + k] =
        (sums[label * width + k] as number) + (data[i * width + k] as number);
  }
  const means = sums.map((s, at) => s / (counts[Math.floor(at / width)] || 1));
  const covariance = new Float64Array(width * width);
  const away = new Float64Array(width);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < width; k++)
      away[k] =
        (data[i * width + k] as number) -
        (means[(y[i] as number) * width + k] as number);
    for (let k = 0; k < width; k++)
      for (let l = 0; l <= k; l++)
        covariance[k * width + l] =
          (covariance[k * width + l] as number) +
          ((away[k] as number) * (away[l] as number)) / n;
  }
  let trace = 0;
  for (let k = 0; k < width; k++) trace += covariance[k * width + k] as number;
  const ridge = RIDGE * (trace / width) + Number.EPSILON;
  for (let k = 0; k < width; k++)
    covariance[k * width + k] = (covariance[k * width + k] as number) + ridge;
  // Of the inverse of L in A = L L', the transpose: features are rows.
  const inverse = inverseOfLower(cholesky(covariance, width), width);
  const whitening = new Float32Array(width * width);
  for (let k = 0; k < width; k++)
    for (let l = 0; l < width; l++)
      whitening[k * width + l] = inverse[l * width + k] as number;
  const white = new Float32Array(classes * width);
  for (let c = 0; c < classes; c++)
    for (let l = 0; l < width; l++) {
      let sum = 0;
      for (let k = 0; k <= l; k++)
        sum +=
          (means[c * width + k] as number) * (inverse[l * width + k] as number);
      white[c * width + l] = sum;
    }
  return {
    whitening: floats([width, width], whitening),
    means: floats([classes, width], white),
  };
}
