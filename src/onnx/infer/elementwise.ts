import { broadcast, divide, fixed, multiply } from "../dims.ts";
import type { Dim } from "../graph.ts";
import { type DataType, sizeOf } from "../tensor.ts";
import { contentsOf, stretched } from "./contents.ts";
import type { InferContext, InferRule, InferTable, Known } from "./known.ts";

const same: InferRule = ({ inputs }) => [
  { type: inputs[0]?.type, dims: inputs[0]?.dims },
];

type ValueRule = (...operands: Dim[]) => Dim;

/** An elementwise op. `onValues` follows the contents of small integers through it. */
function elementwise(type?: DataType, onValues?: ValueRule): InferRule {
  return (context) => {
    const dims = broadcast(...context.inputs.map((x) => x.dims));
    return [
      {
        type: type ?? context.inputs[0]?.type,
        dims,
        values: onValues && combine(context, dims, onValues),
      },
    ];
  };
}

function combine(
  { inputs }: InferContext,
  dims: readonly Dim[] | undefined,
  rule: ValueRule,
): Known["values"] | undefined {
  const shape = fixed(dims);
  if (!shape || inputs.some((x) => x.values === undefined)) return undefined;
  const lists = inputs.map((x) => {
    const contents = contentsOf(x);
    return contents && stretched(contents, shape)?.values;
  });
  if (lists.some((l) => l === undefined)) return undefined;
  return Array.from({ length: sizeOf(shape) }, (_, i) =>
    rule(...lists.map((l) => l?.[i] ?? null)),
  );
}

const onNumbers =
  (f: (a: number, b: number) => number): ValueRule =>
  (a, b) =>
    typeof a === "number" && typeof b === "number" ? f(a, b) : null;

/**
 * Comparisons of floats that are known count too: loops of TensorFlow count in them.
 */
const comparison =
  (test: (a: number, b: number) => boolean): InferRule =>
  (context) =>
    elementwise(
      "bool",
      onNumbers((a, b) => Number(test(a, b))),
    )({
      ...context,
      inputs: context.inputs.map((x) => ({
        ...x,
        values: x.values ?? x.floats,
      })),
    });

const plus: ValueRule = (a = null, b = null) =>
  b === 0 ? a : a === 0 ? b : onNumbers((x, y) => x + y)(a, b);

const unary =
  "Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish Hardmax LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Trilu CumSum LRN InstanceNormalization Clip ReverseSequence GroupNormalization";

export const elementwiseOps: InferTable = {
  ...Object.fromEntries(unary.split(" ").map((op) => [op, same])),
  IsNaN: ({ inputs }) => [{ type: "bool", dims: inputs[0]?.dims }],
  IsInf: ({ inputs }) => [{ type: "bool", dims: inputs[0]?.dims }],
  Add: elementwise(undefined, plus),
  Sub: elementwise(undefined, (a = null, b = null) =>
    b === 0 ? a : onNumbers((x, y) => x - y)(a, b),
  ),
  Mul: elementwise(undefined, (a = null, b = null) => multiply([a, b])),
  Div: elementwise(undefined, (a = null, b = null) =>
    typeof a === "number" && typeof b === "number" && b !== 0
      ? Math.trunc(a / b)
      : divide(a, b),
  ),
  Mod: (context) => {
    const truncated = context.int("fmod", 0) === 1;
    const mod: ValueRule = (a, b) =>
      typeof a !== "number" || typeof b !== "number" || b === 0
        ? null
        : truncated
          ? a % b
          : a - b * Math.floor(a / b);
    return elementwise(undefined, mod)(context);
  },
  Pow: elementwise(),
  PRelu: same,
  Min: elementwise(undefined, (...v) =>
    v.every((x) => typeof x === "number") ? Math.min(...(v as number[])) : null,
  ),
  Max: elementwise(undefined, (...v) =>
    v.every((x) => typeof x === "number") ? Math.max(...(v as number[])) : null,
  ),
  Sum: elementwise(),
  Mean: elementwise(),
  // One operand can settle it.
  And: elementwise("bool", (a = null, b = null) =>
    a === 0 || b === 0 ? 0 : onNumbers((x, y) => x && y)(a, b),
  ),
  Or: elementwise("bool", (a = null, b = null) =>
    a === 1 || b === 1 ? 1 : onNumbers((x, y) => x || y)(a, b),
  ),
  Xor: elementwise("bool"),
  BitShift: elementwise(),
  BitwiseAnd: elementwise(),
  BitwiseOr: elementwise(),
  BitwiseXor: elementwise(),
  Not: ({ inputs }) => [
    {
      type: "bool",
      dims: inputs[0]?.dims,
      values: inputs[0]?.values?.map((v) =>
        typeof v === "number" ? 1 - v : null,
      ),
    },
  ],
  // A symbol stands for a size, so it never equals a negative number.
  Equal: elementwise("bool", (a = null, b = null) => {
    if (typeof a === "number" && typeof b === "number") return Number(a === b);
    if (a !== null && a === b) return 1;
    return [a, b].some((v) => typeof v === "number" && v < 0) ? 0 : null;
  }),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),
  Where: (context) =>
    elementwise(context.inputs[1]?.type, (c, a = null, b = null) =>
      c === null ? null : c ? a : b,
    )(context),
  Dropout: ({ inputs }) => [
    { type: inputs[0]?.type, dims: inputs[0]?.dims },
    { type: "bool", dims: inputs[0]?.dims },
  ],
  Identity: ({ inputs }) => [inputs[0] ?? {}],
};
