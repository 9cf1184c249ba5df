import { attribute } from "#onnx";
import type { RuleContext, RuleTable } from "../rule.ts";

/**
 * Where a mask can be taken from the output it is, so that onnxruntime can
 * still fuse the activation into the layer before it.
 */
const positive = ({ b, outputs: [y = ""] }: RuleContext) =>
  b.mask(b.greater(y, 0), y);

export const activations: RuleTable = {
  Relu: (c) => [c.b.mul(c.g, positive(c))],
  LeakyRelu: (c) => {
    const alpha = attribute(c.node, "alpha", "float", 0.01);
    // One side of the kink has slope 1, the other alpha: alpha + (1 - alpha) * mask.
    const x = c.inputs[0]!;
    const mask = alpha > 0 ? positive(c) : c.b.mask(c.b.greater(x, 0), x);
    const slope = c.b.add(c.b.mul(mask, 1 - alpha), alpha);
    return [c.b.mul(c.g, slope)];
  },
  Sigmoid: ({ b, outputs: [y = ""], g }) => [b.mul(g, b.mul(y, b.sub(1, y)))],
  Tanh: ({ b, outputs: [y = ""], g }) => [b.mul(g, b.sub(1, b.mul(y, y)))],
  Softplus: ({ b, inputs: [x = ""], g }) => [b.mul(g, b.sigmoid(x))],
  /** Inclusive at both bounds, like torch.clamp: a pixel at its limit can still move. */
  Clip: ({ b, inputs: [x = "", low, high], outputs: [y = ""], g }) => {
    if (!low && !high) return [g];
    const where = (condition: string) => b.mul(g, b.mask(condition, x));
    return [
      // What the bounds did not move lies within them.
      where(b.equal(x, y)),
      low ? where(b.less(x, low)) : undefined,
      high ? where(b.greater(x, high)) : undefined,
    ];
  },
  /** Hard and soft: slope 1 beyond the threshold, 0 within. */
  Shrink: ({ b, node, inputs: [x = ""], g }) => {
    const threshold = attribute(node, "lambd", "float", 0.5);
    return [b.mul(g, b.mask(b.greater(b.abs(x), threshold), x))];
  },
  Softmax: ({ b, node, outputs: [y = ""], g }) => {
    const axis = attribute(node, "axis", "int", -1);
    const inner = b.reduceSum(b.mul(g, y), [axis], true);
    return [b.mul(y, b.sub(g, inner))];
  },
  LogSoftmax: ({ b, node, outputs: [y = ""], g }) => {
    const axis = attribute(node, "axis", "int", -1);
    return [b.sub(g, b.mul(b.exp(y), b.reduceSum(g, [axis], true)))];
  },
};
