import { attribute, axisOf, type Dim, fixed } from "#onnx";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";

/** The reduced axes of a node, counted from the front; every axis when none are named. */
function reducedAxes({ b, node, inputs }: RuleContext): number[] {
  const rank = b.rankedDims(inputs[0] as string).length;
  const stated =
    attribute(node, "axes", "ints", undefined) ?? b.intsOf(inputs[1]);
  if (inputs[1] && !stated) {
    throw unsupported(
      node,
      "its axes are computed while the model runs",
      "Export the model with fixed axes.",
    );
  }
  if (stated?.length) return stated.map((a) => axisOf(a, rank));
  const none = attribute(node, "noop_with_empty_axes", "int", 0) === 1;
  return none ? [] : Array.from({ length: rank }, (_, i) => i);
}

/** A value in the shape of the reduced output, with its axes kept as 1. */
function keepAxes(context: RuleContext, value: string): string {
  const { b, node } = context;
  if (attribute(node, "keepdims", "int", 1) === 1) return value;
  const axes = reducedAxes(context).sort((p, q) => p - q);
  return axes.length ? b.unsqueeze(value, axes) : value;
}

/** The gradient of a sum, repeated over what was summed. */
function spread(context: RuleContext, g: string): string {
  const { b, inputs } = context;
  const x = inputs[0] as string;
  const dims = fixed(b.dims(x));
  return b.expand(keepAxes(context, g), dims ? b.ints(dims) : b.shapeOf(x));
}

/** 1 / (number of elements that were averaged), a value when it depends on the batch. */
function scaleByCount(context: RuleContext, g: string): string {
  const { b, inputs, outputs } = context;
  const x = inputs[0] as string;
  const dims = b.rankedDims(x);
  const counts = reducedAxes(context).map((a): Dim => dims[a] ?? null);
  const known = fixed(counts);
  if (known) return b.mul(g, 1 / known.reduce((p, d) => p * d, 1));
  const ratio = b.div(
    b.cast(b.op("Size", [x]), b.type(g)),
    b.cast(b.op("Size", [outputs[0] as string]), b.type(g)),
  );
  return b.div(g, ratio);
}

/** Maximum or minimum: ties share the gradient evenly, as torch.amax does. */
const extremum: Rule = (context) => {
  const { b, inputs, outputs, g } = context;
  const x = inputs[0] as string;
  const best = keepAxes(context, outputs[0] as string);
  const mask = b.mask(b.equal(x, best), x);
  const axes = reducedAxes(context);
  const ties = axes.length ? b.reduceSum(mask, axes, true) : mask;
  return [b.mul(b.div(keepAxes(context, g), ties), mask)];
};

export const reductions: RuleTable = {
  ReduceSum: (c) => [spread(c, c.g)],
  ReduceMean: (c) => [spread(c, scaleByCount(c, c.g))],
  ReduceMax: extremum,
  ReduceMin: extremum,
  ReduceSumSquare: (c) => [
    c.b.mul(keepAxes(c, c.b.mul(c.g, 2)), c.inputs[0] as string),
  ],
  ReduceL1: (c) => [c.b.mul(keepAxes(c, c.g), c.b.sign(c.inputs[0] as string))],
  /** At the origin the norm has no slope; 0 is taken, as PyTorch does. */
  ReduceL2: (c) => {
    const { b } = c;
    const y = keepAxes(c, c.outputs[0] as string);
    const direction = b.div(
      c.inputs[0] as string,
      b.where(b.equal(y, 0), 1, y),
    );
    return [b.mul(keepAxes(c, c.g), direction)];
  },
  ReduceLogSumExp: (c) => {
    const { b } = c;
    const y = keepAxes(c, c.outputs[0] as string);
    return [b.mul(keepAxes(c, c.g), b.exp(b.sub(c.inputs[0] as string, y)))];
  },
};
