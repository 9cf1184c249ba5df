import { crossEntropy, losses } from "#autodiff";
import { type GraphBuilder, int } from "#onnx";

/** Pieces of which losses are written, as nodes of a graph. */

/** The mean of all elements. */
export const mean = (b: GraphBuilder, value: string): string =>
  b.op("ReduceMean", [value], { keepdims: int(0) });

/** KL(softmax(z) || softmax(z')) of each row: [N]. */
export function klDivergence(
  b: GraphBuilder,
  z: string,
  other: string,
): string {
  const log = (logits: string) =>
    b.op("LogSoftmax", [logits], { axis: int(-1) });
  const from = log(z);
  const apart = b.sub(from, log(other));
  return b.reduceSum(b.mul(b.exp(from), apart), [1]);
}

/** softmax(z)_y: [N]. */
export const probabilityOf = (
  b: GraphBuilder,
  logits: string,
  labels: string,
): string => b.exp(b.neg(crossEntropy(b, logits, labels)));

/** The largest probability of a class that is not y: [N]. */
export function likeliestOther(
  b: GraphBuilder,
  logits: string,
  labels: string,
): string {
  const p = b.op("Softmax", [logits], { axis: int(-1) });
  // The margin of probabilities is the largest other minus that of y.
  const margin = losses.margin.build(b, p, labels);
  return b.add(margin, probabilityOf(b, logits, labels));
}

/** Sum of squares of each row: [N]. */
export function squaredLength(b: GraphBuilder, value: string): string {
  const axes = b.rankedDims(value).map((_, i) => i);
  return b.reduceSum(b.mul(value, value), axes.slice(1));
}
