import { attribute } from "#onnx";
import { shapeOf, sizeOfAxes } from "../picking.ts";
import type { Rule, RuleContext, RuleTable } from "../rule.ts";

/**
 * The loss is -sum(chosen * weights * log p), over the sum of the chosen
 * weights for a mean. `chosen` is 1 at each sample's class and 0 elsewhere,
 * [N, C, d1, ...], and 0 everywhere for a sample that is ignored.
 */
interface Chosen {
  readonly chosen: string;
  /** By class, in a shape that broadcasts with `chosen`; absent when all are 1. */
  readonly weights: string | undefined;
}

function chosenOf({ b, node, inputs, x, y, g }: RuleContext): Chosen {
  const weights = inputs[2];
  const rank = b.rankedDims(x).length;
  const labels = b.unsqueeze(b.cast(y, "int64"), [1]);
  const perClass = [-1, ...new Array<number>(Math.max(0, rank - 2)).fill(1)];
  const classes = b.op("Range", [
    b.scalar(0, "int64"),
    b.reshape(shapeOf(b, [sizeOfAxes(b, x, 1, 2)]), []),
    b.scalar(1, "int64"),
  ]);
  const hit = b.equal(labels, b.reshape(classes, perClass));
  const ignored = attribute(node, "ignore_index", "int", undefined);
  const counts =
    ignored === undefined
      ? hit
      : b.and(hit, b.op("Not", [b.equal(labels, ignored)]));
  return {
    chosen: b.mask(counts, g),
    weights: weights && b.reshape(weights, perClass),
  };
}

/**
 * The gradients of log-probabilities [N, C, d1, ...] and of the weights, from
 * that of the loss.
 */
function lossGradients(
  context: RuleContext,
  log: string,
  g: string,
): readonly [string, string | undefined] {
  const { b, node, out, needs } = context;
  const { chosen, weights } = chosenOf({ ...context, g });
  const weighted = weights ? b.mul(chosen, weights) : chosen;
  const reduction = attribute(node, "reduction", "string", "mean");
  const share =
    reduction === "none"
      ? b.unsqueeze(g, [1])
      : reduction === "mean"
        ? b.div(g, b.reduceSum(weighted))
        : g;
  const ofLog = b.neg(b.mul(weighted, share));
  if (!needs(2)) return [ofLog, undefined];
  // A mean falls as the weights it is over grow.
  const own = b.neg(log);
  const each = reduction === "mean" ? b.sub(own, out) : own;
  const axes = b.rankedDims(log).flatMap((_, i) => (i === 1 ? [] : [i]));
  return [ofLog, b.reduceSum(b.mul(b.mul(chosen, each), share), axes)];
}

/** Negative log-likelihood of log-probabilities. */
const negativeLogLikelihood: Rule = (context) => {
  const [x, weights] = lossGradients(context, context.x, context.g);
  return [x, undefined, weights];
};

const withoutWeights = ({ b, inputs: [, , weights], g }: RuleContext) =>
  weights && b.zeros(b.shapeOf(weights), g);

/**
 * Cross-entropy of scores; the second output, log-probabilities, may be used as well.
 */
const softmaxCrossEntropy: Rule = (context) => {
  const { b, node, gradients } = context;
  const log = node.outputs[1] || b.requireOutput(node, 1);
  const [ofLoss, ofLog] = gradients;
  // Log-probabilities do not depend on the weights.
  const [x, weights] = ofLoss
    ? lossGradients(context, log, ofLoss)
    : [undefined, withoutWeights(context)];
  const g = x && ofLog ? b.add(x, ofLog) : ((x ?? ofLog) as string);
  const scores = b.sub(g, b.mul(b.exp(log), b.reduceSum(g, [1], true)));
  return [scores, undefined, weights];
};

export const losses: RuleTable = {
  NegativeLogLikelihoodLoss: negativeLogLikelihood,
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
};
