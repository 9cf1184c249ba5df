import { filled, type GraphBuilder } from "../builder.ts";
import { fixed } from "../dims.ts";
import { type Attributes, attribute, float, int, type Node } from "../graph.ts";
import { contribAttentions } from "./contrib-attention.ts";
import {
  cannotExpand,
  type ExpandContext,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";

/**
 * Operators on 8-bit integers as what they stand for: the integers as floats
 * (DequantizeLinear), the float operator, and the result as integers again
 * (QuantizeLinear). onnxruntime makes the integer operator of such a sandwich
 * where it can.
 */

/** Where the inputs of a node hold a tensor, its scale and its zero point. */
type Places = readonly [tensor: number, scale: number, zero: number];

/** Whether there is one scale for the whole tensor, as far as is known. */
const isSingle = (b: GraphBuilder, scale: string) =>
  b.dims(scale)?.every((d) => d === 1) ?? false;

/**
 * The integers at some inputs as floats; a scale for each element of an axis
 * is along `axis`.
 */
function dequantised(
  { b, node, inputs }: ExpandContext,
  [tensor, scale, zero]: Places,
  axis?: number,
): string {
  const [x = "", s = ""] = [inputs[tensor], inputs[scale]];
  // Without one, onnxruntime 1.30 may compute a wrong product of int8.
  const z = zeroFor(b, inputs[zero] || zeroOf(b, node, s, x), s);
  return b.op("DequantizeLinear", [x, s, z], alongAxis(b, node, s, axis));
}

/** One zero point for scales by axis, for each of them. */
function zeroFor(b: GraphBuilder, zero: string, scale: string): string {
  const one = isSingle(b, zero) && !isSingle(b, scale);
  return one && b.dims(scale) ? b.expand(zero, b.shapeOf(scale)) : zero;
}

/**
 * A float result as integers, of the type of the zero point or, when it is left out, of
 * the first operand.
 */
function quantised(
  { b, node, inputs }: ExpandContext,
  y: string,
  scale: number,
  zero: number,
  like: number,
  axis?: number,
): string {
  const s = inputs[scale] ?? "";
  const z = inputs[zero] || zeroOf(b, node, s, inputs[like] ?? "");
  return b.op("QuantizeLinear", [y, s, z], alongAxis(b, node, s, axis));
}

/** A zero point of 0 for each scale, in the type of `like`. */
function zeroOf(
  b: GraphBuilder,
  node: Node,
  scale: string,
  like: string,
): string {
  const type = b.type(like);
  if (type !== "int8" && type !== "uint8") {
    throw cannotExpand(
      node,
      `the type of "${like}" is not known`,
      "Export the model in QDQ format.",
    );
  }
  const dims = fixed(b.dims(scale));
  return dims
    ? b.constant(filled(type, dims, 0))
    : b.zeros(b.shapeOf(scale), like);
}

function alongAxis(
  b: GraphBuilder,
  node: Node,
  scale: string,
  axis: number | undefined,
): Attributes {
  if (isSingle(b, scale)) return {};
  const rank = b.dims(scale)?.length;
  if (axis !== undefined && (rank === undefined || rank === 1)) {
    return { axis: int(axis) };
  }
  if (axis === undefined && rank === undefined) return {};
  throw cannotExpand(
    node,
    `its scale "${scale}" has a layout that QuantizeLinear does not have`,
    "Export the model in QDQ format.",
  );
}

/** Of one operand: x, its scale and zero point, then those of the result. */
const unary =
  (apply: (context: ExpandContext, x: string) => string): Expansion =>
  (context) => [
    quantised(
      context,
      apply(context, dequantised(context, [0, 1, 2])),
      3,
      4,
      0,
    ),
  ];

/** Of two operands, each with scale and zero point, then those of the result. */
const binary =
  (op: string): Expansion =>
  (context) => {
    const x = dequantised(context, [0, 1, 2]);
    const y = dequantised(context, [3, 4, 5]);
    return [quantised(context, context.b.op(op, [x, y]), 6, 7, 0)];
  };

/** In ONNX's order of axes, and back, where a node has the channels last. */
function channelsFirst(
  { b, node, inputs }: ExpandContext,
  apply: (x: string) => string,
  x: string,
): string {
  if (attribute(node, "channels_last", "int", 0) === 0) return apply(x);
  const rank = b.dims(inputs[0] ?? "")?.length;
  if (rank === undefined) {
    throw cannotExpand(
      node,
      "it has the channels last in a tensor of unknown rank",
      "Export the model with shapes recorded.",
    );
  }
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i);
  const y = apply(b.transpose(x, [0, rank - 1, ...spatial.map((i) => i + 1)]));
  return b.transpose(y, [0, ...spatial.map((i) => i + 2), 1]);
}

function without(node: Node, ...names: string[]): Attributes {
  return Object.fromEntries(
    Object.entries(node.attributes).filter(([name]) => !names.includes(name)),
  );
}

const qLinearConv: Expansion = (context) => {
  const { b, node, inputs } = context;
  const x = dequantised(context, [0, 1, 2]);
  const w = dequantised(context, [3, 4, 5], 0);
  const bias = inputs[8];
  const operands = [w];
  if (bias) {
    // It is in units of a product of an input and a weight.
    const scale = b.mul(inputs[1]!, inputs[4]!);
    operands.push(
      b.op("DequantizeLinear", [bias, scale], alongAxis(b, node, scale, 0)),
    );
  }
  const y = channelsFirst(
    context,
    (first) =>
      b.op("Conv", [first, ...operands], without(node, "channels_last")),
    x,
  );
  return [quantised(context, y, 6, 7, 0)];
};

const qLinearMatMul: Expansion = (context) => {
  const x = dequantised(context, [0, 1, 2], -2);
  const y = dequantised(context, [3, 4, 5], -1);
  return [quantised(context, context.b.matmul(x, y), 6, 7, 0, -2)];
};

/** A product of integers, put out as floats. */
const matMulIntegerToFloat: Expansion = (context) => {
  const { b, inputs } = context;
  const x = dequantised(context, [0, 2, 4]);
  const y = dequantised(context, [1, 3, 5], -1);
  return [plus(b, b.matmul(x, y), inputs[6])];
};

/**
 * The floats of the first operand are quantised by their own range as the model runs.
 */
const dynamicQuantizeMatMul: Expansion = (context) => {
  const { b, inputs } = context;
  const range = b.many("DynamicQuantizeLinear", [inputs[0] ?? ""], {}, 3);
  const x = b.op("DequantizeLinear", range);
  const y = dequantised(context, [1, 2, 3], -1);
  return [plus(b, b.matmul(x, y), inputs[4])];
};

const plus = (b: GraphBuilder, x: string, y: string | undefined) =>
  y ? b.add(x, y) : x;

const qGemm: Expansion = (context) => {
  const { b, node, inputs } = context;
  const alpha = attribute(node, "alpha", "float", 1);
  const transB = attribute(node, "transB", "int", 0);
  const operands = [
    dequantised(context, [0, 1, 2]),
    dequantised(context, [3, 4, 5], transB ? 0 : 1),
  ];
  const c = inputs[6];
  if (c) {
    const product = b.mul(inputs[1]!, inputs[4]!);
    const scale = alpha === 1 ? product : b.mul(product, alpha);
    operands.push(b.mul(b.cast(c, "float32"), scale));
  }
  const y = b.op("Gemm", operands, {
    alpha: float(alpha),
    transA: int(attribute(node, "transA", "int", 0)),
    transB: int(transB),
  });
  return [inputs[7] ? quantised(context, y, 7, 8, 0) : y];
};

/**
 * Attention whose input and projections are integers; all after the projections is
 * in floats anyway.
 */
const qAttention: Expansion = (context) => {
  const { node, inputs } = context;
  const x = dequantised(context, [0, 3, 6]);
  const weights = dequantised(context, [1, 4, 7], -1);
  const [, , bias = "", , , mask = "", , , past = ""] = inputs;
  const attention = contribAttentions["com.microsoft.Attention"]!;
  return attention({
    ...context,
    node: { ...node, op: "Attention" },
    inputs: [x, weights, bias, mask, past],
  });
};

const qLinearConcat: Expansion = (context) => {
  const { b, node, inputs } = context;
  const count = (inputs.length - 2) / 3;
  const parts = Array.from({ length: count }, (_, i) =>
    dequantised(context, [2 + 3 * i, 3 + 3 * i, 4 + 3 * i]),
  );
  const y = b.concat(parts, attribute(node, "axis", "int", 0));
  return [quantised(context, y, 0, 1, 2)];
};

const qLinearWhere: Expansion = (context) => {
  const { b, inputs } = context;
  const x = dequantised(context, [1, 2, 3]);
  const y = dequantised(context, [4, 5, 6]);
  return [quantised(context, b.where(inputs[0]!, x, y), 7, 8, 1)];
};

/** Up to opset 12 everything from `axis` on is one row. */
function softmax({ b, node }: ExpandContext, x: string): string {
  const axis = attribute(node, "axis", "int", -1);
  if (attribute(node, "opset", "int", 13) >= 13 || axis === -1) {
    return b.op("Softmax", [x], { axis: int(axis) });
  }
  const rows = b.op("Flatten", [x], { axis: int(axis) });
  return b.reshape(b.op("Softmax", [rows], { axis: int(1) }), b.shapeOf(x));
}

/**
 * The contrib operators of the names of standard ones, which are the same for 8 bits;
 * 16 bits are standard from opset 21 on.
 */
const standard: Expansion = ({ b, node, inputs }) => {
  const types = inputs.map((name) => b.type(name));
  if (types.some((type) => type === "int16" || type === "uint16")) {
    throw cannotExpand(
      node,
      "it has 16-bit integers",
      "Export the model with opset 21 or later, where these are standard.",
    );
  }
  return [b.op(node.op, inputs, node.attributes)];
};

const pooled = (op: string) =>
  unary((context, x) =>
    channelsFirst(
      context,
      (first) =>
        context.b.op(op, [first], without(context.node, "channels_last")),
      x,
    ),
  );

export const quantisedLayers: ExpansionTable = {
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
  "com.microsoft.QLinearConv": qLinearConv,
  "com.microsoft.QLinearAdd": binary("Add"),
  "com.microsoft.QLinearMul": binary("Mul"),
  "com.microsoft.QLinearSigmoid": unary(({ b }, x) => b.sigmoid(x)),
  "com.microsoft.QLinearLeakyRelu": unary(({ b, node }, x) =>
    b.op("LeakyRelu", [x], {
      alpha: float(attribute(node, "alpha", "float", 0.01)),
    }),
  ),
  "com.microsoft.QLinearSoftmax": unary(softmax),
  "com.microsoft.QLinearAveragePool": pooled("AveragePool"),
  "com.microsoft.QLinearGlobalAveragePool": pooled("GlobalAveragePool"),
  "com.microsoft.QLinearConcat": qLinearConcat,
  "com.microsoft.QLinearWhere": qLinearWhere,
  "com.microsoft.QGemm": qGemm,
  "com.microsoft.QAttention": qAttention,
  "com.microsoft.MatMulIntegerToFloat": matMulIntegerToFloat,
  "com.microsoft.DynamicQuantizeMatMul": dynamicQuantizeMatMul,
  "com.microsoft.QuantizeLinear": standard,
  "com.microsoft.DequantizeLinear": standard,
};
