import { attribute, axisOf } from "#onnx";
import {
  cannotRun,
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  range,
  type TfTensor,
} from "../kernel.ts";

type T = TfTensor;

/** A value of each channel, [C], in a shape that broadcasts over [N, C, ...]. */
const perChannel = (c: KernelContext, v: T, rank: number) =>
  c.tf.reshape(v, [1, -1, ...range(rank - 2).map(() => 1)]);

const epsilonOf = (c: KernelContext) =>
  attribute(c.node, "epsilon", "float", 1e-5);

/** With mean 0 and variance 1 over axes. */
function standardised(c: KernelContext, x: T, axes: number[]) {
  const { tf } = c;
  const mean = tf.mean(x, axes, true);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), axes, true);
  const factor = tf.reciprocal(tf.sqrt(tf.add(variance, epsilonOf(c))));
  return { unit: tf.mul(centred, factor), mean, factor };
}

const batchNormalisation: Kernel = (c) => {
  const { tf, node } = c;
  if (attribute(node, "training_mode", "int", 0) === 1)
    throw cannotRun(node, "it is in training mode");
  const x = input(c, 0);
  const rank = x.shape.length;
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) =>
    perChannel(c, input(c, i), rank),
  ) as [T, T, T, T];
  const deviation = tf.sqrt(tf.add(variance, epsilonOf(c)));
  const unit = tf.div(tf.sub(x, mean), deviation);
  return tf.add(tf.mul(unit, scale), bias);
};

const layerNormalisation: Kernel = (c) => {
  const { tf } = c;
  const x = input(c, 0);
  const rank = x.shape.length;
  const from = axisOf(attribute(c.node, "axis", "int", -1), rank);
  const { unit, mean, factor } = standardised(c, x, range(rank - from, from));
  const scaled = tf.mul(unit, input(c, 1));
  return [c.x[2] ? tf.add(scaled, c.x[2]) : scaled, mean, factor];
};

const instanceNormalisation: Kernel = (c) => {
  const { tf } = c;
  const x = input(c, 0);
  const rank = x.shape.length;
  const { unit } = standardised(c, x, range(rank - 2, 2));
  return tf.add(
    tf.mul(unit, perChannel(c, input(c, 1), rank)),
    perChannel(c, input(c, 2), rank),
  );
};

/**
 * Scale and bias are one number a channel since opset 21, and were one a group before.
 */
const groupNormalisation: Kernel = (c) => {
  const { tf } = c;
  const x = input(c, 0);
  const [n = 1, channels = 1] = x.shape;
  const groups = attribute(c.node, "num_groups", "int", 1);
  const { unit } = standardised(c, tf.reshape(x, [n, groups, -1]), [2]);
  const affine = (v: T) =>
    v.size === channels
      ? v
      : tf.reshape(
          tf.tile(tf.reshape(v, [groups, 1]), [1, channels / groups]),
          [-1],
        );
  const [scale, bias] = [1, 2].map((i) =>
    perChannel(c, affine(input(c, i)), x.shape.length),
  ) as [T, T];
  return tf.add(tf.mul(tf.reshape(unit, x.shape), scale), bias);
};

export const normalisation: KernelTable = {
  BatchNormalization: batchNormalisation,
  LayerNormalization: layerNormalisation,
  InstanceNormalization: instanceNormalisation,
  GroupNormalization: groupNormalisation,
};
