import { attribute } from "#onnx";
import type { RuleContext, RuleTable } from "../rule.ts";

/**
 * Where a mask can be taken from the output it is, so that onnxruntime can
 * still fuse the activation into the layer before it.
 */
const positive = ({ b, out }: RuleContext) => b.mask(b.greater(out, 0), out);

export const activations: RuleTable = {
  Relu: (c) => [c.b.mul(c.g, positive(c))],
  LeakyRelu: (c) => {
    const { b, node, x, g } = c;
    const alpha = attribute(node, "alpha", "float", 0.01);
    // One side of the kink has slope 1, the other alpha: alpha + (1 - alpha) * mask.
    const mask = alpha > 0 ? positive(c) : b.mask(b.greater(x, 0), x);
    return [b.mul(g, b.add(b.mul(mask, 1 - alpha), alpha))];
  },
  Sigmoid: ({ b, out, g }) => [b.mul(g, b.mul(out, b.sub(1, out)))],
  Tanh: ({ b, out, g }) => [b.mul(g, b.sub(1, b.mul(out, out)))],
  Softplus: ({ b, x, g }) => [b.mul(g, b.sigmoid(x))],
  /**
   * Inclusive at both bounds, like torch.clamp: a pixel at its limit can still move.
   */
  Clip: ({ b, inputs: [, low, high], x, out, g }) => {
    if (!low && !high) return [g];
    const where = (condition: string) => b.mul(g, b.mask(condition, x));
    return [
      // What the bounds did not move lies within them.
      where(b.equal(x, out)),
      low ? where(b.less(x, low)) : undefined,
      high ? where(b.greater(x, high)) : undefined,
    ];
  },
  /** Hard and soft: slope 1 beyond the threshold, 0 within. */
  Shrink: ({ b, node, x, g }) => {
    const threshold = attribute(node, "lambd", "float", 0.5);
    return [b.mul(g, b.mask(b.greater(b.abs(x), threshold), x))];
  },
  Softmax: ({ b, node, out, g }) => {
    const axis = attribute(node, "axis", "int", -1);
    const inner = b.reduceSum(b.mul(g, out), [axis], true);
    return [b.mul(out, b.sub(g, inner))];
  },
  LogSoftmax: ({ b, node, out, g }) => {
    const axis = attribute(node, "axis", "int", -1);
    return [b.sub(g, b.mul(b.exp(out), b.reduceSum(g, [axis], true)))];
  },
};
