import {
  attribute,
  type Graph,
  type GraphBuilder,
  type Node,
  numbers,
} from "#onnx";
import { type Makers, makersOf } from "../ancestry.ts";

/** The smallest and the largest number that a value can have. */
type Range = readonly [low: number, high: number];

const ANY: Range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
const UNIT: Range = [0, 1];

/** What rounding may add to a mean of shares. */
const ROUNDING = 1e-4;

/** Operators that only pick numbers of their first input, or take their mean. */
const picks: ReadonlySet<string> = new Set(
  "Cast DequantizeLinear Expand Flatten Gather GlobalAveragePool GlobalMaxPool Identity MaxPool QuantizeLinear ReduceMax ReduceMean ReduceMin Reshape Slice Split Squeeze Tile TopK Transpose Unsqueeze".split(
    " ",
  ),
);

/**
 * Whether an output that does not end in a Softmax or Sigmoid holds shares all the
 * same, such as the mean of several members, of views or over time: its numbers are
 * made of those of Softmax or Sigmoid, and cannot leave [0, 1]. A logit is above 0
 * where a share is above a half, so one must not be read as the other.
 *
 * @returns where they come from; "sigmoid" if from both
 */
export function sharesIn(
  graph: Graph,
  b: GraphBuilder,
  output: string,
): "softmax" | "sigmoid" | undefined {
  const walk: Walk = {
    graph,
    b,
    makers: makersOf(graph),
    from: new Set(),
    seen: new Map(),
  };
  const [low, high] = rangeOf(output, walk, MOST);
  if (!(low >= -ROUNDING && high <= 1 + ROUNDING)) return undefined;
  if (walk.from.has("sigmoid")) return "sigmoid";
  return walk.from.has("softmax") ? "softmax" : undefined;
}

/**
 * Probabilities this small are taken for the smallest: their logarithm
 * has to be a number.
 */
const SMALLEST = 1e-12;

/** The logarithm of shares, or of the odds of each where it holds by itself. */
export function logOf(b: GraphBuilder, shares: string, odds: boolean): string {
  const log = (p: string) =>
    b.op("Log", [b.op("Clip", [p, b.scalar(SMALLEST), b.scalar(1)])]);
  const yes = log(shares);
  return odds ? b.sub(yes, log(b.sub(1, shares))) : yes;
}

/** Nodes behind the last Softmax or Sigmoid at most, from one to the next. */
const MOST = 64;

interface Walk {
  readonly graph: Graph;
  readonly b: GraphBuilder;
  readonly makers: Makers;
  /** What shares were found. */
  readonly from: Set<"softmax" | "sigmoid">;
  readonly seen: Map<string, Range>;
}

function rangeOf(value: string, walk: Walk, left: number): Range {
  const range = walk.seen.get(value) ?? lookedUp(value, walk, left);
  walk.seen.set(value, range);
  return range;
}

function lookedUp(value: string, walk: Walk, left: number): Range {
  const constant = walk.graph.constants.get(value);
  if (constant) return hull(numbers(constant).map(same));
  const node = walk.makers.get(value);
  if (node?.domain !== "" || left === 0) return ANY;
  const range = rangeBehind(
    node,
    (i) => rangeOf(node.inputs[i] ?? "", walk, left - 1),
    walk,
  );
  return range.some(Number.isNaN) ? ANY : range;
}

function rangeBehind(
  node: Node,
  of: (input: number) => Range,
  walk: Walk,
): Range {
  const { from, b } = walk;
  const all = () => node.inputs.map((_, i) => of(i));
  const { op } = node;
  if (picks.has(op)) return of(0);
  switch (op) {
    case "Softmax":
      from.add("softmax");
      return UNIT;
    case "Sigmoid":
    case "HardSigmoid":
      from.add("sigmoid");
      return UNIT;
    case "AveragePool":
      // Padding counts as 0 where it counts.
      return hull([of(0), same(0)]);
    case "Clip": {
      const [low, high] = of(0);
      const [least, most] = [of(1)[0], of(2)[1]];
      return [Math.max(low, least), Math.min(high, most)];
    }
    case "Concat": {
      const range = hull(all());
      // A share and what is left of it add up to 1, as those of a Softmax do.
      if (isWhole(node, walk)) {
        walk.from.clear();
        walk.from.add("softmax");
      }
      return range;
    }
    case "Max":
    case "Mean":
    case "Min":
      return hull(all());
    case "Where":
      return hull([of(1), of(2)]);
    case "Add":
    case "Sum":
      return all().reduce(([a, b], [c, d]) => [a + c, b + d]);
    case "Sub": {
      const [[a, b], [c, d]] = [of(0), of(1)];
      return [a - d, b - c];
    }
    case "Mul":
      return products(of(0), of(1));
    case "Div": {
      const [low, high] = of(1);
      return low > 0 || high < 0 ? products(of(0), [1 / high, 1 / low]) : ANY;
    }
    case "ReduceSum": {
      const size = summed(node, b);
      return size === undefined ? ANY : products(of(0), same(size));
    }
    default:
      return ANY;
  }
}

/** Whether a Concat has a value p and 1 - p, in one order or the other. */
function isWhole({ inputs }: Node, { graph, makers }: Walk): boolean {
  const plain = (value: string): string => {
    const node = makers.get(value);
    return node && arranges.has(node.op) ? plain(node.inputs[0] ?? "") : value;
  };
  const isRest = (rest: string, of: string) => {
    const node = makers.get(plain(rest));
    const one = graph.constants.get(node?.inputs[0] ?? "");
    return (
      node?.op === "Sub" &&
      one?.data.length === 1 &&
      Number(one.data[0]) === 1 &&
      plain(node.inputs[1] ?? "") === plain(of)
    );
  };
  const [a = "", b = ""] = inputs;
  return inputs.length === 2 && (isRest(a, b) || isRest(b, a));
}

/** What only arranges numbers. */
const arranges: ReadonlySet<string> = new Set(
  "Flatten Identity Reshape Squeeze Unsqueeze".split(" "),
);

/** How many numbers a ReduceSum adds; undefined where the graph does not say. */
function summed(node: Node, b: GraphBuilder): number | undefined {
  const [x = "", axes = ""] = node.inputs;
  const dims = b.dims(x);
  const known = b.known(axes).values;
  if (!dims || !known || attribute(node, "noop_with_empty_axes", "int", 0))
    return undefined;
  return known.reduce<number | undefined>((product, axis) => {
    const size = dims.at(Number(axis));
    return product !== undefined && typeof size === "number"
      ? product * size
      : undefined;
  }, 1);
}

const same = (v: number): Range => [v, v];

const hull = (ranges: readonly Range[]): Range =>
  ranges.length === 0
    ? ANY
    : ranges.reduce(([a, b], [c, d]) => [Math.min(a, c), Math.max(b, d)]);

function products([a, b]: Range, [c, d]: Range): Range {
  const all = [a * c, a * d, b * c, b * d];
  return [Math.min(...all), Math.max(...all)];
}
