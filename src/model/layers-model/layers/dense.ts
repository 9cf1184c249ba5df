import { z } from "zod";
import { type FloatTensor, float, floats, int } from "#onnx";
import { activate, activationSchema } from "../activation.ts";
import {
  configOf,
  type Importer,
  type ImporterTable,
  type LayerContext,
  unsupported,
} from "../layer.ts";
import { once } from "./convolution.ts";

/** A weight of the layer as a constant named after it. */
const constant = (c: LayerContext, name: string, value = c.weight(name)) =>
  once(c, value, `${c.layer.name}/${name}`);

const dense: Importer = (c) => {
  const { use_bias, activation } = configOf(
    c,
    z.object({
      use_bias: z.boolean().default(true),
      activation: activationSchema,
    }),
  );
  const y = c.b.matmul(c.x, constant(c, "kernel"));
  return activate(
    c,
    use_bias ? c.b.add(y, constant(c, "bias")) : y,
    activation,
  );
};

const axisSchema = z
  .union([z.int().transform((a) => [a]), z.array(z.int())])
  .default([-1]);

const normalisation = z.object({
  axis: axisSchema,
  epsilon: z.number().default(1e-3),
  center: z.boolean().default(true),
  scale: z.boolean().default(true),
});

/** Only over the channels, which are the last axis. */
function requireLastAxis(c: LayerContext, axis: readonly number[]): void {
  const last = c.b.rankedDims(c.x).length - 1;
  if (axis.length === 1 && (axis[0] === -1 || axis[0] === last)) return;
  throw unsupported(c.layer, `its axis is ${axis.join(", ")}, not the last`);
}

const filled = (like: FloatTensor, value: number) =>
  floats(like.dims, new Float32Array(like.data.length).fill(value));

const batchNormalisation: Importer = (c) => {
  const { axis, epsilon, center, scale } = configOf(c, normalisation);
  requireLastAxis(c, axis);
  const mean = c.weight("moving_mean");
  const operands = [
    constant(c, "gamma", scale ? undefined : filled(mean, 1)),
    constant(c, "beta", center ? undefined : filled(mean, 0)),
    constant(c, "moving_mean"),
    constant(c, "moving_variance"),
  ];
  const apply = (x: string) =>
    c.b.op("BatchNormalization", [x, ...operands], {
      epsilon: float(epsilon),
    });
  // Of a vector, channels are first and last.
  return c.b.rankedDims(c.x).length === 2
    ? apply(c.x)
    : c.views.last(apply(c.views.first(c.x)));
};

const layerNormalisation: Importer = (c) => {
  const { axis, epsilon, center, scale } = configOf(c, normalisation);
  requireLastAxis(c, axis);
  const known = c.weight(scale ? "gamma" : "beta");
  return c.b.op(
    "LayerNormalization",
    [
      c.x,
      constant(c, "gamma", scale ? undefined : filled(known, 1)),
      ...(center ? [constant(c, "beta")] : []),
    ],
    { axis: int(-1), epsilon: float(epsilon) },
  );
};

/** One element after the other. */
const each =
  (f: (c: LayerContext, x: string) => string): Importer =>
  (c) =>
    c.views.each([c.x], ([x = ""]) => f(c, x));

const relu = each((c, x) => {
  const stated = configOf(
    c,
    z.object({
      max_value: z.number().nullish(),
      negative_slope: z.number().nullish(),
      threshold: z.number().nullish(),
    }),
  );
  if (stated.negative_slope || stated.threshold)
    throw unsupported(c.layer, "it has a slope or a threshold of its own");
  return stated.max_value == null
    ? c.b.op("Relu", [x])
    : c.b.op("Clip", [x, c.b.scalar(0), c.b.scalar(stated.max_value)]);
});

const slope = (fallback: number) =>
  z
    .object({
      alpha: z.number().nullish(),
      negative_slope: z.number().nullish(),
    })
    .transform((s) => s.negative_slope ?? s.alpha ?? fallback);

const slopeOf = (c: LayerContext, fallback: number) => {
  const parsed = slope(fallback).safeParse(c.layer.config);
  if (parsed.success) return parsed.data;
  throw unsupported(c.layer, "its alpha is not a number");
};

const softmax: Importer = (c) => {
  const { axis } = configOf(c, z.object({ axis: axisSchema }));
  const [only = -1, ...more] = axis;
  if (more.length > 0) throw unsupported(c.layer, "it has several axes");
  return c.b.op("Softmax", [c.x], { axis: int(only) });
};

const activation: Importer = (c) => {
  const stated = configOf(c, z.object({ activation: activationSchema }));
  return activate(c, c.x, stated.activation);
};

const embedding: Importer = (c) => {
  const { mask_zero } = configOf(
    c,
    z.object({ mask_zero: z.boolean().nullish() }),
  );
  if (mask_zero)
    throw unsupported(c.layer, "it masks zeros, which later layers would skip");
  return c.b.op("Gather", [constant(c, "embeddings"), c.x]);
};

/** What does nothing but in training. */
const identity: Importer = (c) => c.x;

export const basic: ImporterTable = {
  Dense: dense,
  BatchNormalization: batchNormalisation,
  LayerNormalization: layerNormalisation,
  Embedding: embedding,
  Activation: activation,
  ReLU: relu,
  LeakyReLU: each((c, x) =>
    c.b.op("LeakyRelu", [x], { alpha: float(slopeOf(c, 0.3)) }),
  ),
  ELU: each((c, x) => c.b.op("Elu", [x], { alpha: float(slopeOf(c, 1)) })),
  PReLU: (c) => c.b.op("PRelu", [c.x, constant(c, "alpha")]),
  ThresholdedReLU: each((c, x) => {
    const { theta } = configOf(c, z.object({ theta: z.number().default(1) }));
    return c.b.op("ThresholdedRelu", [x], { alpha: float(theta) });
  }),
  Softmax: softmax,
  Dropout: identity,
  SpatialDropout1D: identity,
  SpatialDropout2D: identity,
  AlphaDropout: identity,
  GaussianDropout: identity,
  GaussianNoise: identity,
  ActivityRegularization: identity,
};
