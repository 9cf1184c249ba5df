import { axisOf } from "../dims.ts";
import { attribute, float, int } from "../graph.ts";
import {
  cannotExpand,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";
import { fastGelu, gelu } from "./fused.ts";

/** One addition after the other. */
const sum: Expansion = ({ b, inputs: [first = "", ...rest] }) => [
  rest.length === 0
    ? b.op("Identity", [first])
    : rest.reduce((total, next) => b.add(total, next), first),
];

/** The largest number is taken off first, so that no power overflows. */
const logSoftmax: Expansion = ({ b, node, inputs: [x = ""] }) => {
  const axis = axisOf(
    attribute(node, "axis", "int", -1),
    b.rankedDims(x).length,
  );
  const along = (op: string, value: string) =>
    b.op(op, [value, b.ints([axis])], { keepdims: int(1) });
  const below = b.sub(x, along("ReduceMax", x));
  const total = along("ReduceSum", b.op("Exp", [below]));
  return [b.sub(below, b.op("Log", [total]))];
};

/** x times HardSigmoid with slope 1/6 and offset 1/2. */
const hardSwish: Expansion = ({ b, inputs: [x = ""] }) => [
  b.mul(x, b.op("HardSigmoid", [x], { alpha: float(1 / 6), beta: float(0.5) })),
];

/** The exact one, or its approximation by tanh. */
const geluOf: Expansion = ({ b, node, inputs: [x = ""] }) => {
  const how = attribute(node, "approximate", "string", "none");
  if (how === "none") return [gelu(b, x)];
  if (how === "tanh") return [fastGelu(b, x)];
  throw cannotExpand(
    node,
    `its approximation "${how}" is not one of ONNX`,
    "Export the model again.",
  );
};

/**
 * Operators that have gradient rules of their own, and that some device has no kernel
 * for: written with others as a graph is loaded there.
 */
export const spelledOut: ExpansionTable = {
  Gelu: geluOf,
  HardSwish: hardSwish,
  LogSoftmax: logSoftmax,
  Sum: sum,
};
