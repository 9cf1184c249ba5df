import { attribute, type Dim, type GraphBuilder, type Node } from "#onnx";

/**
 * Takes the logits of some positions alone. Where they come from a product with a
 * matrix, its rows are taken in front of it, so that a large vocabulary costs nothing
 * at the others.
 *
 * @param places which of the positions of all samples, int64 [K]
 * @returns logits [K, classes]
 */
export type PickPlaces = (places: string) => string;

/**
 * How to take logits of positions from outputs [N, classes x positions]; undefined
 * where these were not made of [N, positions, classes] by a transposition.
 */
export function picksPlaces(
  b: GraphBuilder,
  outputs: string,
  classes: number,
  positions: number,
): PickPlaces | undefined {
  const makers = new Map(
    b.nodes.flatMap((node) => node.outputs.map((o) => [o, node] as const)),
  );
  const logits = tokensLast(b, outputs, makers);
  const [, length, tokens, ...more] = (logits && b.dims(logits)) || [];
  const isTurned = length === positions && tokens === classes && !more[0];
  if (logits === undefined || !isTurned) return undefined;
  return (places) => {
    const taken = new Map<string, string>();
    const rowsOf = (value: string): string => {
      const width = b.rankedDims(value).at(-1) as number;
      const all = b.reshape(value, [-1, width]);
      return b.op("Gather", [all, places]);
    };
    const at = (value: string): string => {
      const before = taken.get(value);
      if (before) return before;
      const made = again(b, makers.get(value), positions, { at, rowsOf });
      const found = made ?? rowsOf(value);
      taken.set(value, found);
      return found;
    };
    return at(logits);
  };
}

/** The same of any outputs [N, classes x positions]. */
export function pickPlaces(
  b: GraphBuilder,
  outputs: string,
  classes: number,
  positions: number,
): PickPlaces {
  const found = picksPlaces(b, outputs, classes, positions);
  if (found) return found;
  return (places) => {
    const byClass = b.reshape(outputs, [-1, classes, positions]);
    const byPlace = b.transpose(byClass, [0, 2, 1]);
    return b.op("Gather", [b.reshape(byPlace, [-1, classes]), places]);
  };
}

/** What outputs by class were transposed from. */
function tokensLast(
  b: GraphBuilder,
  outputs: string,
  makers: ReadonlyMap<string, Node>,
): string | undefined {
  let node = makers.get(outputs);
  // These leave numbers in their order.
  while (node?.domain === "" && /^(Flatten|Reshape|Identity)$/.test(node.op))
    node = makers.get(node.inputs[0] ?? "");
  if (node?.domain !== "" || node.op !== "Transpose") return undefined;
  const perm = attribute(node, "perm", "ints", []);
  const [batch] = b.dims(outputs) ?? [];
  const [value = ""] = node.inputs;
  return perm.join() === "0,2,1" && b.dims(value)?.[0] === batch
    ? value
    : undefined;
}

/** Computes each number of its output from one of each input. */
const pointwise = /^(Add|Sub|Mul|Div|Tanh|Cast|Identity)$/;

/** A node once more at some positions; undefined where it mixes positions. */
function again(
  b: GraphBuilder,
  node: Node | undefined,
  positions: number,
  { at, rowsOf }: Record<"at" | "rowsOf", (value: string) => string>,
): string | undefined {
  if (node?.domain !== "") return undefined;
  const dimsOf = (value: string) => b.dims(value) ?? [];
  const isPlaced = (dims: readonly Dim[]) =>
    dims.length === 3 &&
    dims[1] === positions &&
    typeof dims[2] === "number" &&
    typeof dims[0] !== "number";
  const { op, inputs, attributes } = node;
  const [x = "", w = ""] = inputs;
  if (op === "MatMul" && isPlaced(dimsOf(x)) && dimsOf(w).length === 2)
    return b.op("MatMul", [rowsOf(x), w]);
  const ready = (value: string) =>
    isPlaced(dimsOf(value)) ||
    b.dims(value)?.every((d, i, all) => d === 1 || i === all.length - 1);
  if (!pointwise.test(op) || !inputs.every(ready)) return undefined;
  // A vector or a number is the same at every position; [1, 1, width] loses an axis.
  const same = (value: string) => {
    const dims = dimsOf(value);
    return dims.length > 1 ? b.reshape(value, [-1]) : value;
  };
  return b.op(
    op,
    inputs.map((i) => (isPlaced(dimsOf(i)) ? at(i) : same(i))),
    attributes,
  );
}
