import { attribute } from "#onnx";
import { type Rule, type RuleTable, unsupported } from "../rule.ts";

/** Batch normalisation with frozen statistics, as at inference: an affine map a channel. */
const batchNormalisation: Rule = (context) => {
  const { b, node, inputs, g } = context;
  if (attribute(node, "training_mode", "int", 0) === 1) {
    throw unsupported(
      node,
      "it is in training mode",
      "Export the model in evaluation mode.",
    );
  }
  const [x, scale, , mean, variance] = inputs as [
    string,
    string,
    string,
    string,
    string,
  ];
  const rank = b.rankedDims(x).length;
  const epsilon = attribute(node, "epsilon", "float", 1e-5);
  const channels = (v: string) =>
    b.reshape(v, [1, -1, ...new Array<number>(rank - 2).fill(1)]);
  const deviation = b.sqrt(b.add(variance, epsilon));
  const others = Array.from({ length: rank }, (_, i) => i).filter(
    (i) => i !== 1,
  );
  return [
    b.mul(g, channels(b.div(scale, deviation))),
    context.needs(1)
      ? b.div(
          b.reduceSum(b.mul(g, b.sub(x, channels(mean))), others),
          deviation,
        )
      : undefined,
    b.reduceSum(g, others),
  ];
};

export const normalisation: RuleTable = {
  BatchNormalization: batchNormalisation,
};
