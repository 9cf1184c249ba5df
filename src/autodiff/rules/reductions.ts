import { attribute, axisOf, type Dim, fixed, int } from "#onnx";
import type { Rule, RuleContext, RuleTable } from "../rule.ts";

/**
 * The reduced axes of a node, counted from the front; every axis when none are named,
 * undefined when they are only known as the model runs.
 */
function reducedAxes({ b, node, x, y }: RuleContext): number[] | undefined {
  const rank = b.rankedDims(x).length;
  const stated = attribute(node, "axes", "ints", undefined) ?? b.intsOf(y);
  if (y && !stated) return undefined;
  if (stated?.length) return stated.map((a) => axisOf(a, rank));
  const none = attribute(node, "noop_with_empty_axes", "int", 0) === 1;
  return none ? [] : Array.from({ length: rank }, (_, i) => i);
}

/** A value in the shape of the reduced output, with its axes kept as 1. */
function keepAxes(context: RuleContext, value: string): string {
  const { b, node, y } = context;
  if (attribute(node, "keepdims", "int", 1) === 1) return value;
  const axes = reducedAxes(context)?.sort((p, q) => p - q);
  if (!axes) return b.op("Unsqueeze", [value, y]);
  return axes.length ? b.unsqueeze(value, axes) : value;
}

/** A value of the input's shape, reduced over the same axes, which are kept as 1. */
function reduced(context: RuleContext, op: string, value: string): string {
  const { b, node, y } = context;
  const axes = reducedAxes(context);
  const by = axes ? b.ints(axes) : y;
  const none = attribute(node, "noop_with_empty_axes", "int", 0);
  return b.op(op, [value, by], {
    keepdims: int(1),
    noop_with_empty_axes: int(axes ? 1 : none),
  });
}

/** The gradient of a sum, repeated over what was summed. */
function spread(context: RuleContext, g: string): string {
  const { b, x } = context;
  const dims = fixed(b.dims(x));
  return b.expand(keepAxes(context, g), dims ? b.ints(dims) : b.shapeOf(x));
}

/**
 * 1 / (number of elements that were averaged), a value when it depends on the batch.
 */
function scaleByCount(context: RuleContext, g: string): string {
  const { b, x, out } = context;
  const dims = b.rankedDims(x);
  const counts = reducedAxes(context)?.map((a): Dim => dims[a] ?? null);
  const known = fixed(counts);
  if (known) return b.mul(g, 1 / known.reduce((p, d) => p * d, 1));
  const ratio = b.div(
    b.cast(b.op("Size", [x]), b.type(g)),
    b.cast(b.op("Size", [out]), b.type(g)),
  );
  return b.div(g, ratio);
}

/** Maximum or minimum: ties share the gradient evenly, as torch.amax does. */
const extremum: Rule = (context) => {
  const { b, x, out, g } = context;
  const best = keepAxes(context, out);
  const mask = b.mask(b.equal(x, best), x);
  const ties = reduced(context, "ReduceSum", mask);
  return [b.mul(b.div(keepAxes(context, g), ties), mask)];
};

/**
 * The product of the others: y / x where nothing is zero; where one element
 * is, only that one has a slope, and where two are, none has.
 */
const product: Rule = (context) => {
  const { b, x, g } = context;
  const zero = b.equal(x, 0);
  const others = b.where(zero, 1, x);
  const zeros = reduced(context, "ReduceSum", b.mask(zero, x));
  const rest = b.mul(
    keepAxes(context, g),
    reduced(context, "ReduceProd", others),
  );
  const none = b.mul(rest, b.mask(b.equal(zeros, 0), x));
  const one = b.mul(rest, b.mask(b.equal(zeros, 1), x));
  return [b.add(b.div(none, others), b.mul(one, b.mask(zero, x)))];
};

export const reductions: RuleTable = {
  ReduceSum: (c) => [spread(c, c.g)],
  ReduceMean: (c) => [spread(c, scaleByCount(c, c.g))],
  ReduceProd: product,
  /** y = log(sum x), so 1 / sum x = exp(-y). */
  ReduceLogSum: (c) => [spread(c, c.b.mul(c.g, c.b.exp(c.b.neg(c.out))))],
  ReduceMax: extremum,
  ReduceMin: extremum,
  ReduceSumSquare: (c) => [c.b.mul(keepAxes(c, c.b.mul(c.g, 2)), c.x)],
  ReduceL1: (c) => [c.b.mul(keepAxes(c, c.g), c.b.sign(c.x))],
  /** At the origin the norm has no slope; 0 is taken, as PyTorch does. */
  ReduceL2: (c) => {
    const { b } = c;
    const y = keepAxes(c, c.out);
    const direction = b.div(c.x, b.where(b.equal(y, 0), 1, y));
    return [b.mul(keepAxes(c, c.g), direction)];
  },
  ReduceLogSumExp: (c) => {
    const { b } = c;
    const y = keepAxes(c, c.out);
    return [b.mul(keepAxes(c, c.g), b.exp(b.sub(c.x, y)))];
  },
};
