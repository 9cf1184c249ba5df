import { attribute } from "#onnx";
import type { RuleContext, RuleTable } from "../rule.ts";

const parameter = ({ node }: RuleContext, name: string, fallback: number) =>
  attribute(node, name, "float", fallback);

/** Slope 1 (times `scale`) where the output is positive, `below` elsewhere. */
const byOutput = ({ b, out, g }: RuleContext, below: string, scale = 1) => {
  const mask = b.mask(b.greater(out, 0), out);
  const above = scale === 1 ? mask : b.mul(mask, scale);
  return b.mul(g, b.add(above, b.mul(b.sub(1, mask), below)));
};

/** Standard normal distribution function and density of x. */
function normal({ b, x }: RuleContext): { phi: string; density: string } {
  const cumulative = b.mul(
    b.add(b.op("Erf", [b.mul(x, Math.SQRT1_2)]), 1),
    0.5,
  );
  const bell = b.exp(b.mul(b.mul(x, x), -0.5));
  return { phi: cumulative, density: b.mul(bell, 1 / Math.sqrt(2 * Math.PI)) };
}

/**
 * GELU, exact or by its tanh approximation (Hendrycks and Gimpel 2016,
 * arXiv:1606.08415).
 */
function gelu(c: RuleContext): string {
  const { b, node, x, g } = c;
  if (attribute(node, "approximate", "string", "none") !== "tanh") {
    const { phi, density } = normal(c);
    return b.mul(g, b.add(phi, b.mul(x, density)));
  }
  const scale = Math.sqrt(2 / Math.PI);
  const cube = b.mul(b.mul(x, x), x);
  const t = b.op("Tanh", [b.mul(b.add(x, b.mul(cube, 0.044715)), scale)]);
  const inner = b.mul(b.add(b.mul(b.mul(x, x), 3 * 0.044715), 1), scale);
  const tail = b.mul(b.mul(x, b.sub(1, b.mul(t, t))), inner);
  return b.mul(g, b.mul(b.add(b.add(t, 1), tail), 0.5));
}

export const smoothActivations: RuleTable = {
  Elu: (c) => [byOutput(c, c.b.add(c.out, parameter(c, "alpha", 1)))],
  Celu: (c) => {
    const alpha = parameter(c, "alpha", 1);
    return [byOutput(c, c.b.add(c.b.mul(c.out, 1 / alpha), 1))];
  },
  Selu: (c) => {
    const alpha = parameter(c, "alpha", 1.6732632423543772);
    const gamma = parameter(c, "gamma", 1.0507009873554805);
    return [byOutput(c, c.b.add(c.out, gamma * alpha), gamma)];
  },
  /** No slope at the bends, like PyTorch's. */
  HardSigmoid: (c) => {
    const { b, out, g } = c;
    const inside = b.and(b.greater(out, 0), b.less(out, 1));
    return [b.mul(g, b.mul(b.mask(inside, out), parameter(c, "alpha", 0.2)))];
  },
  /** x times a hard sigmoid; -1/2 at -3 and 3/2 at 3, like PyTorch's. */
  HardSwish: ({ b, x, g }) => {
    const slope = b.add(b.mul(x, 1 / 3), 0.5);
    const inside = b.mask(b.and(b.atLeast(x, -3), b.atMost(x, 3)), x);
    const above = b.mask(b.greater(x, 3), x);
    return [b.mul(g, b.add(b.mul(inside, slope), above))];
  },
  Softsign: ({ b, x, g }) => {
    const width = b.add(b.abs(x), 1);
    return [b.div(g, b.mul(width, width))];
  },
  ThresholdedRelu: (c) => {
    const { b, x, g } = c;
    return [b.mul(g, b.mask(b.greater(x, parameter(c, "alpha", 1)), x))];
  },
  PRelu: ({ b, x, y: slope, g }) => {
    const positive = b.mask(b.greater(x, 0), x);
    const negative = b.sub(1, positive);
    return [
      b.mul(g, b.add(positive, b.mul(negative, slope))),
      b.mul(g, b.mul(x, negative)),
    ];
  },
  Gelu: (c) => [gelu(c)],
  /** x tanh(softplus(x)). */
  Mish: ({ b, x, g }) => {
    const t = b.op("Tanh", [b.op("Softplus", [x])]);
    const bend = b.mul(b.sub(1, b.mul(t, t)), b.sigmoid(x));
    return [b.mul(g, b.add(t, b.mul(x, bend)))];
  },
};
