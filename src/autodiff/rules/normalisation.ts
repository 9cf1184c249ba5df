import { attribute, axisOf, fixed } from "#onnx";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";
import { channelSums } from "./channel-sums.ts";

type Builder = RuleContext["b"];

/**
 * Batch normalisation with frozen statistics, as at inference: an affine map a channel.
 */
const batchNormalisation: Rule = (context) => {
  const { b, node, inputs, x, y: scale, g } = context;
  if (attribute(node, "training_mode", "int", 0) === 1) {
    throw unsupported(
      node,
      "it is in training mode",
      "Export the model in evaluation mode.",
    );
  }
  const [, , , mean = "", variance = ""] = inputs;
  const rank = b.rankedDims(x).length;
  const epsilon = attribute(node, "epsilon", "float", 1e-5);
  const deviation = b.sqrt(b.add(variance, epsilon));
  return [
    b.mul(g, perChannel(b, b.div(scale, deviation), rank)),
    context.needs(1)
      ? b.div(
          channelSums(b, b.mul(g, b.sub(x, perChannel(b, mean, rank)))),
          deviation,
        )
      : undefined,
    channelSums(b, g),
  ];
};

const allBut = (rank: number, axis: number) =>
  Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);

/** A value of each channel, [C], in a shape that broadcasts over [N, C, ...]. */
const perChannel = (b: Builder, v: string, rank: number) =>
  b.reshape(v, [1, -1, ...new Array<number>(rank - 2).fill(1)]);

const mean = (b: Builder, v: string, axes: readonly number[]) =>
  b.op("ReduceMean", [v, b.ints(axes)], {
    keepdims: { kind: "int", value: 1 },
  });

/** x with mean 0 and variance 1 over the axes, and what it was multiplied by. */
function standardised(
  b: Builder,
  x: string,
  axes: readonly number[],
  epsilon: number,
) {
  const centred = b.sub(x, mean(b, x, axes));
  const variance = mean(b, b.mul(centred, centred), axes);
  const factor = b.div(1, b.sqrt(b.add(variance, epsilon)));
  return { unit: b.mul(centred, factor), factor };
}

/**
 * The gradient through standardisation: what would move mean or variance is taken out.
 */
function throughStandardisation(
  b: Builder,
  g: string,
  { unit, factor }: { unit: string; factor: string },
  axes: readonly number[],
): string {
  const along = b.mul(unit, mean(b, b.mul(g, unit), axes));
  return b.mul(factor, b.sub(b.sub(g, mean(b, g, axes)), along));
}

/**
 * Mean and deviation come from the forward pass, which may then keep its fused kernel.
 */
const layerNormalisation: Rule = ({ b, node, x, y: scale, g, gradients }) => {
  if (gradients[1] !== undefined || gradients[2] !== undefined) {
    throw unsupported(
      node,
      "its mean or deviation is used as well, as second derivatives do",
      "Export the model with the normalisation as single operators.",
    );
  }
  const rank = b.rankedDims(x).length;
  const from = axisOf(attribute(node, "axis", "int", -1), rank);
  const axes = Array.from({ length: rank - from }, (_, i) => from + i);
  const centre = b.requireOutput(node, 1);
  const factor = b.requireOutput(node, 2);
  const unit = b.mul(b.sub(x, centre), factor);
  return [
    throughStandardisation(b, b.mul(g, scale), { unit, factor }, axes),
    b.mul(g, unit),
    g,
  ];
};

const instanceNormalisation: Rule = ({ b, node, x, y: scale, g }) => {
  const rank = b.rankedDims(x).length;
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  const s = standardised(b, x, axes, attribute(node, "epsilon", "float", 1e-5));
  const others = allBut(rank, 1);
  return [
    throughStandardisation(b, b.mul(g, perChannel(b, scale, rank)), s, axes),
    b.reduceSum(b.mul(g, s.unit), others),
    b.reduceSum(g, others),
  ];
};

/**
 * Scale and bias are one number a channel since opset 21, and were one a group before.
 */
const groupNormalisation: Rule = ({ b, node, x, y: scale, g }) => {
  const dims = b.rankedDims(x);
  const groups = attribute(node, "num_groups", "int", 1);
  const channels = dims[1];
  const width = fixed(b.dims(scale))?.[0];
  if (typeof channels !== "number" || width === undefined) {
    throw unsupported(
      node,
      "the number of its channels is not known",
      "Export the model with fixed image sizes.",
    );
  }
  const each = channels / groups;
  const shape = b.shapeOf(x);
  const grouped = (v: string) => b.reshape(v, [0, groups, -1]);
  const s = standardised(
    b,
    grouped(x),
    [2],
    attribute(node, "epsilon", "float", 1e-5),
  );
  const repeated =
    width === channels
      ? scale
      : b.reshape(
          b.expand(b.unsqueeze(scale, [1]), b.ints([groups, each])),
          [-1],
        );
  const scaled = b.mul(g, perChannel(b, repeated, dims.length));
  const others = allBut(dims.length, 1);
  const collect = (v: string) => {
    const byChannel = b.reduceSum(v, others);
    return width === channels
      ? byChannel
      : b.reduceSum(b.reshape(byChannel, [groups, each]), [1]);
  };
  return [
    b.reshape(throughStandardisation(b, grouped(scaled), s, [2]), shape),
    collect(b.mul(g, b.reshape(s.unit, shape))),
    collect(g),
  ];
};

export const normalisation: RuleTable = {
  BatchNormalization: batchNormalisation,
  LayerNormalization: layerNormalisation,
  InstanceNormalization: instanceNormalisation,
  GroupNormalization: groupNormalisation,
};
