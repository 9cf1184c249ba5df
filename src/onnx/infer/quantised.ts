import {
  contextOf,
  type InferContext,
  type InferRule,
  type InferTable,
} from "./known.ts";
import { layerOps } from "./layers.ts";
import { castTypes } from "./shapes.ts";

/**
 * The shape that a layer of floats has, for operands that stand at other places
 * among the inputs.
 */
function asLayer(
  { node, inputs }: InferContext,
  op: string,
  operands: readonly number[],
) {
  const picked = operands.map((i) => inputs[i] ?? {});
  return layerOps[op]?.(contextOf(node, picked))[0]?.dims;
}

/** A scale is of the float type, and a zero point of the integer type. */
const quantize: InferRule = (context) => {
  const stated = castTypes[context.int("output_dtype", 0)];
  return [
    {
      type: context.inputs[2]?.type ?? stated ?? "uint8",
      dims: context.dims(0),
    },
  ];
};

export const quantisedOps: InferTable = {
  QuantizeLinear: quantize,
  DequantizeLinear: (context) => [
    {
      type:
        castTypes[context.int("output_dtype", 0)] ?? context.inputs[1]?.type,
      dims: context.dims(0),
    },
  ],
  DynamicQuantizeLinear: (context) => [
    { type: "uint8", dims: context.dims(0) },
    { type: "float32", dims: [] },
    { type: "uint8", dims: [] },
  ],
  QLinearConv: (context) => [
    {
      type: context.inputs[7]?.type,
      dims: asLayer(context, "Conv", [0, 3]),
    },
  ],
  QLinearMatMul: (context) => [
    {
      type: context.inputs[7]?.type,
      dims: asLayer(context, "MatMul", [0, 3]),
    },
  ],
  ConvInteger: (context) => [
    { type: "int32", dims: asLayer(context, "Conv", [0, 1]) },
  ],
  MatMulInteger: (context) => [
    { type: "int32", dims: asLayer(context, "MatMul", [0, 1]) },
  ],
};
