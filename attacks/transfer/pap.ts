import { z } from "zod";
import type { Random } from "#core";
import type { FeaturesAt } from "#model";
import { type FloatTensor, floats, takeRows } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { inOrder } from "../evasion/order.ts";
import { rowOf } from "../evasion/vectors.ts";
import { norms } from "../norms/index.ts";
import { unbounded } from "../norms/norm.ts";
import {
  cutParam,
  surrogateNeeds,
  surrogateParam,
  throughBase,
} from "./surrogate.ts";

const papParams = z.strictObject({
  surrogate: surrogateParam,
  variant: z
    .enum(["base", "fuse", "ugs"])
    .default("ugs")
    .describe(
      '"base": one layer. "fuse": two. "ugs": one, mostly on images that are drawn',
    ),
  cut: cutParam
    .default(0)
    .describe(
      "where features are lifted: the first place to cut when left out",
    ),
  secondCut: cutParam.default(0.5).describe('the second place, of "fuse"'),
  weight: z
    .number()
    .nonnegative()
    .optional()
    .describe(
      'of the second term of the loss: the second place of "fuse" (1 when left out), the real images of "ugs" (0.01)',
    ),
  steps: z.int().positive().default(1000).describe("steps of the perturbation"),
  relStepSize: z
    .number()
    .positive()
    .default(0.0002 / 0.05)
    .describe("step size as a share of eps"),
  batch: z.int().positive().default(16).describe("images of each step"),
});

type Input = AttackInput<z.output<typeof papParams>>;

/**
 * Images that are drawn in a batch, and steps for which they have the same mean and
 * deviation, as in the authors' code.
 */
const [DRAWN, KEPT] = [8, 20];

/**
 * Pre-trained adversarial perturbation (Ban and Dong 2022, arXiv:2210.03372): one
 * perturbation for all inputs, made on the public base alone, that lifts the mean
 * square of its features at a low layer (L4A), which fine-tuning changes least.
 * "fuse" adds a second layer. "ugs" draws images from Gaussians, whose mean (0.4
 * to 0.6) and deviation (0.05 to 0.1) of each channel are drawn themselves, so that
 * it fits images of other tasks than the base's.
 *
 * It is made on samples of the base's task where there are any, as in the paper,
 * else on those that the attacker has of the candidate's, or on those that are
 * scored. The paper takes one pass over ImageNet; 1,000 steps of 16 are less. The
 * authors' code states no weight for "fuse", and leaves out the last real image of
 * each batch of "ugs", by mistake.
 */
export const pap = defineAttack({
  id: "pap",
  title: "Pre-trained adversarial perturbation",
  summary:
    "One perturbation for all inputs, made on the public base alone, that lifts the features of a low layer.",
  caution:
    "A high number is no robustness: it is one perturbation, and made for nobody's data in particular. It depends on the layer and, with few steps, has not converged; the paper takes a pass over ImageNet.",
  access: "base",
  needsFor: surrogateNeeds,
  family: "universal",
  norms: ["linf", "l2"],
  reference: "Ban and Dong 2022, arXiv:2210.03372",
  taxonomy: throughBase,
  params: papParams,
  async run(input) {
    const { target, x, ball, params, onProgress } = input;
    const { variant, steps, batch } = params;
    const { weight = variant === "fuse" ? 1 : 0.01 } = params;
    if (x.dims[0] === 0) return x;
    const low = await target.base.featuresAt(params.cut);
    const second =
      variant === "fuse"
        ? await target.base.featuresAt(params.secondCut)
        : undefined;
    const { images, random } = startOf(input);
    const count = images.dims[0] ?? 0;
    const delta = new Float64Array(rowOf(images, 0).length);
    norms[ball.norm].draw(delta, ball.eps, random);
    let order: number[] = [];
    let draw = drawer(images, ball.bounds, random);
    for (let step = 0; step < steps; step++) {
      onProgress(step / steps);
      while (order.length < batch)
        order = [...order, ...random.permutation(count)];
      const real = takeRows(images, order.splice(0, batch));
      if (step > 0 && step % KEPT === 0)
        draw = drawer(images, ball.bounds, random);
      const gradient = new Float64Array(delta.length);
      if (variant === "ugs") await lift(low, draw(), delta, 1, gradient);
      await lift(low, real, delta, variant === "ugs" ? weight : 1, gradient);
      if (second) await lift(second, real, delta, weight, gradient);
      climb(delta, gradient, input);
    }
    const all = Array.from({ length: x.dims[0] ?? 0 }, (_, i) => i);
    return ball.project(x, moved(takeRows(x, all), delta));
  },
});

/**
 * The images that it is made on, and a generator; both do not depend on the
 * order of the samples.
 */
function startOf({ x, others, source, random }: Input) {
  const streams = random.map((stream) => stream.fork("pap"));
  const order = inOrder(Array.from(streams.keys()), streams);
  return {
    images: source ?? others?.x ?? takeRows(x, order),
    random: streams[order[0]!]!,
  };
}

/** Draws batches of images from a Gaussian of each channel. */
function drawer(
  like: FloatTensor,
  [low, high]: readonly [number, number],
  random: Random,
): () => FloatTensor {
  const [, ...shape] = like.dims;
  const channels = shape.length === 3 ? shape[0]! : 1;
  const width = rowOf(like, 0).length;
  const between = (from: number, to: number) =>
    (high - low) * (from + (to - from) * random.uniform());
  const gaussians = Array.from({ length: channels }, () => ({
    mean: low + between(0.4, 0.6),
    deviation: between(0.05, 0.1),
  }));
  return () =>
    floats(
      [DRAWN, ...shape],
      Float32Array.from({ length: DRAWN * width }, (_, i) => {
        const channel = Math.floor(((i % width) * channels) / width);
        const { mean, deviation } = gaussians[channel]!;
        return mean + deviation * random.normal();
      }),
    );
}

/** Adds the slope of the mean square of the features, times a weight, to a gradient. */
async function lift(
  features: FeaturesAt,
  images: FloatTensor,
  delta: Float64Array,
  weight: number,
  gradient: Float64Array,
): Promise<void> {
  const n = images.dims[0] ?? 0;
  const { width } = features;
  const nothing = floats([n, width], new Float32Array(n * width));
  // These are no samples of the candidate, which pays for nothing here.
  const samples = Array.from({ length: n }, () => 0);
  const found = await features.distance(moved(images, delta), samples, nothing);
  for (let i = 0; i < n; i++) {
    const row = rowOf(found.gradient, i);
    for (let k = 0; k < row.length; k++)
      gradient[k] = gradient[k]! + (row[k]! * weight) / (n * width);
  }
}

/** A step of the perturbation along the gradient, inside the norm. */
function climb(
  delta: Float64Array,
  gradient: Float64Array,
  { ball, params }: Input,
): void {
  const { step, shrink } = norms[ball.norm];
  const size = params.relStepSize * ball.eps;
  step(gradient, size, unbounded(delta.length));
  for (let k = 0; k < delta.length; k++) delta[k] = delta[k]! + gradient[k]!;
  shrink(delta, ball.eps);
}

/**
 * Rows with the perturbation, wherever that is: as in the authors' code, not clipped.
 */
function moved(rows: FloatTensor, delta: Float64Array): FloatTensor {
  const data = rows.data.map((v, i) => v + delta[i % delta.length]!);
  return { ...rows, data };
}
