import { attribute, axisOf, type DataType } from "#onnx";
import { shapeOf, sizeOfAxes } from "../picking.ts";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";
import { convolution } from "./convolution.ts";
import { matrix } from "./matrix.ts";

/** What the integer types can hold. */
const limits: Partial<Record<DataType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** How a scale or a zero point meets the elements of `x`. */
type Layout = "tensor" | "axis" | "blocks";

function layoutOf({ b, node, y: scale }: RuleContext): Layout {
  if (attribute(node, "block_size", "int", 0) > 0) return "blocks";
  const dims = b.rankedDims(scale);
  return dims.length === 0 || dims[0] === 1 ? "tensor" : "axis";
}

/** The axis of `x` that has a scale for each element or block. */
function axisIn({ b, node, x }: RuleContext): number {
  return axisOf(attribute(node, "axis", "int", 1), b.rankedDims(x).length);
}

/** A scale or zero point so that it broadcasts with `x`. */
function aligned(context: RuleContext, value: string): string {
  const { b, node, x } = context;
  const layout = layoutOf(context);
  if (layout === "tensor") return value;
  const rank = b.rankedDims(x).length;
  const axis = axisIn(context);
  if (layout === "axis") {
    const shape = new Array<number>(rank).fill(1);
    shape[axis] = -1;
    return b.reshape(value, shape);
  }
  // Each is repeated along its block. The last block may be cut off.
  const block = attribute(node, "block_size", "int", 0);
  const repeats = new Array<number>(rank + 1).fill(1);
  repeats[axis + 1] = block;
  const repeated = b.op("Tile", [
    b.unsqueeze(value, [axis + 1]),
    b.ints(repeats),
  ]);
  const sizes = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) =>
      sizeOfAxes(b, value, from + i, from + i + 1),
    );
  const merged = b.reshape(
    repeated,
    shapeOf(b, [...sizes(0, axis), -1, ...sizes(axis + 1, rank)]),
  );
  return b.op("Slice", [
    merged,
    b.ints([0]),
    shapeOf(b, [sizeOfAxes(b, x, axis, axis + 1)]),
    b.ints([axis]),
  ]);
}

/** The gradient of a scale from what each element of `x` has of it. */
function ofScale(context: RuleContext, each: string): string {
  const { b, x } = context;
  const layout = layoutOf(context);
  // Of a single scale, `gradient()` sums it up.
  if (layout === "tensor") return each;
  if (layout === "blocks") return ofBlocks(context, each);
  const axis = axisIn(context);
  const rank = b.rankedDims(x).length;
  const others = Array.from({ length: rank }, (_, i) => i).filter(
    (i) => i !== axis,
  );
  return others.length > 0 ? b.reduceSum(each, others) : each;
}

/** Sums over each block of an axis, the last of which may be shorter. */
function ofBlocks(context: RuleContext, each: string): string {
  const { b, node, x, y: scale } = context;
  const axis = axisIn(context);
  const block = attribute(node, "block_size", "int", 0);
  const rank = b.rankedDims(x).length;
  const blocks = sizeOfAxes(b, scale, axis, axis + 1);
  const length = shapeOf(b, [sizeOfAxes(b, x, axis, axis + 1)]);
  const missing = b.sub(b.mul(shapeOf(b, [blocks]), block), length);
  const whole = b.op("Pad", [
    each,
    b.concat([b.ints([0]), missing], 0),
    "",
    b.ints([axis]),
  ]);
  const around = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) =>
      sizeOfAxes(b, x, from + i, from + i + 1),
    );
  const apart = shapeOf(b, [
    ...around(0, axis),
    blocks,
    block,
    ...around(axis + 1, rank),
  ]);
  return b.reduceSum(b.reshape(whole, apart), [axis + 1]);
}

/** An integer input as floats, its zero point taken off. */
function centred(context: RuleContext): string {
  const { b, inputs, x, g } = context;
  const zero = inputs[2];
  const type = b.type(g);
  const value = b.cast(x, type);
  return zero ? b.sub(value, b.cast(aligned(context, zero), type)) : value;
}

/**
 * Rounding is passed straight through within the range of the integers and stops the
 * gradient outside. The scale gets what it needs to be learned, too (Esser et al. 2020,
 * arXiv:1902.08153).
 */
const quantize: Rule = (context) => {
  const { b, node, inputs, x, y, out, g, needs } = context;
  const zero = inputs[2];
  const limit = limits[b.type(out)];
  if (!limit) {
    throw unsupported(
      node,
      `it quantises to ${b.type(out)}`,
      "Export the model with 8-bit or 16-bit integers.",
    );
  }
  const type = b.type(g);
  const scale = b.cast(aligned(context, y), type);
  const steps = b.div(b.type(x) === type ? x : b.cast(x, type), scale);
  const rounded = b.op("Round", [steps]);
  const level = zero
    ? b.add(rounded, b.cast(aligned(context, zero), type))
    : rounded;
  const within = b.and(b.atLeast(level, limit[0]), b.atMost(level, limit[1]));
  const share = b.mul(b.div(g, scale), b.mask(within, g));
  return [
    share,
    needs(1) ? ofScale(context, b.neg(b.mul(share, steps))) : undefined,
    undefined,
  ];
};

const dequantize: Rule = (context) => {
  const { b, y, g, needs } = context;
  const scale = b.cast(aligned(context, y), b.type(g));
  return [
    b.mul(g, scale),
    needs(1) ? ofScale(context, b.mul(g, centred(context))) : undefined,
    undefined,
  ];
};

/**
 * Straight through. Its range covers every element, so that none saturates;
 * and what the scale adds to a dequantised element, q - x / scale, is rounding.
 */
const dynamicQuantize: Rule = ({ b, node, gradients: [g] }) => {
  if (g !== undefined) return [b.div(g, node.outputs[1]!)];
  throw unsupported(
    node,
    "only its scale is used, not what it quantises",
    "Export the model before it is quantised.",
  );
};

/** An integer operator on centred integers is the same operator on floats. */
const onIntegers =
  (rule: Rule, rowsOfFirst: number): Rule =>
  (context) => {
    const { b, inputs, g } = context;
    const [, , xZero, yZero] = inputs;
    const type = b.type(g);
    const operand = (value: string, zero: string | undefined, axis: number) => {
      const float = b.cast(value, type);
      if (!zero) return float;
      const shift = b.cast(zero, type);
      const rank = b.rankedDims(value).length;
      const perAxis = (b.rankedDims(zero)[0] ?? 1) !== 1;
      if (!perAxis || rank < 2) return b.sub(float, shift);
      const shape = new Array<number>(rank).fill(1);
      shape[axis < 0 ? axis + rank : axis] = -1;
      return b.sub(float, b.reshape(shift, shape));
    };
    const x = operand(context.x, xZero, -2);
    const y = operand(context.y, yZero, rowsOfFirst);
    return rule({ ...context, inputs: [x, y], x, y });
  };

export const quantisation: RuleTable = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
  /** Zero points of the second operand are by column. */
  MatMulInteger: onIntegers(matrix.MatMul as Rule, -1),
  /** Zero points of the filters are by filter. */
  ConvInteger: onIntegers(convolution.Conv as Rule, 0),
};
