import type { GraphBuilder, Node } from "#onnx";
import { unsupported } from "./rule.ts";

/** Operators that quantise: the first output holds the first input, rounded. */
const quantises = new Set(["QuantizeLinear", "DynamicQuantizeLinear"]);

/**
 * Operators whose rules pass the gradient of integers on as they do that of floats:
 * they move elements, choose among them, or are made for integers.
 */
const movesIntegers: ReadonlySet<string> = new Set(
  "Cast Compress Concat ConvInteger DepthToSpace DequantizeLinear Expand Flatten Gather GatherElements GatherND Identity MatMulInteger MaxPool Pad Reshape Resize ReverseSequence ScatterElements ScatterND Slice SpaceToDepth Split Squeeze Tile TopK Transpose Trilu Unsqueeze Where".split(
    " ",
  ),
);

/** Whether the elements of a value are floating-point numbers. */
export const isFloat = (b: GraphBuilder, name: string) =>
  b.type(name).startsWith("float");

/**
 * Whether an output of a node that depends on active values has a gradient:
 * floats have one, and integers that stand for floats do, which
 * QuantizeLinear rounded (straight-through estimator, Bengio et al. 2013).
 */
export function carriesGradient(
  b: GraphBuilder,
  node: Node,
  output: string,
  reached: ReadonlySet<string>,
): boolean {
  if (isFloat(b, output)) return true;
  if (output !== node.outputs[0] && node.op !== "Split") return false;
  if (quantises.has(node.op)) return node.inputs.some((x) => reached.has(x));
  return /^u?int/.test(b.type(output)) && readsQuantised(b, node, reached);
}

/**
 * Refuses an operator that calculates with quantised integers in a way
 * that no rule covers.
 */
export function requireCarrier(
  b: GraphBuilder,
  node: Node,
  active: ReadonlySet<string>,
): void {
  if (!readsQuantised(b, node, active)) return;
  if (node.domain === "" && movesIntegers.has(node.op)) return;
  throw unsupported(
    node,
    "it calculates with integers that a QuantizeLinear made",
    "Attacks that need no gradients still work; for the others, export the model in QDQ format, or before it is quantised.",
  );
}

const readsQuantised = (
  b: GraphBuilder,
  node: Node,
  active: ReadonlySet<string>,
) => node.inputs.some((name) => active.has(name) && !isFloat(b, name));
