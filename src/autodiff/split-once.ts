import {
  attribute,
  axisOf,
  type Graph,
  GraphBuilder,
  int,
  int64s,
  type Node,
  sliceRange,
  type Tensor,
} from "#onnx";

/** So many parts at least are worth a Split. */
const LEAST = 3;

/** A part that a node takes of a value along an axis, from one place up to another. */
interface Pick {
  readonly node: Node;
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  /** Whether the axis is gone in what it gives. */
  readonly isSingle: boolean;
}

/**
 * The graph with one Split where nodes take parts of a value that do not overlap, as
 * recurrent nets do that are written out. The gradient of each would be as large as the
 * value, and zero elsewhere: their sum takes time that grows with the square of their
 * number. That of a Split is one Concat.
 */
export function splitOnce(graph: Graph): Graph {
  const b = new GraphBuilder(graph);
  const groups = new Map<string, Map<number, Pick[]>>();
  for (const node of graph.nodes) {
    const pick = pickOf(b, node);
    if (!pick) continue;
    const value = node.inputs[0]!;
    const axes = groups.get(value) ?? new Map<number, Pick[]>();
    groups.set(value, axes);
    const picks = axes.get(pick.axis);
    if (picks) picks.push(pick);
    else axes.set(pick.axis, [pick]);
  }
  const constants = new Map<string, Tensor>();
  const instead = new Map<Node, readonly Node[]>();
  for (const [value, axes] of groups)
    for (const [axis, picks] of axes) {
      const length = b.rankedDims(value)[axis] as number;
      const bounds = boundsOf(picks, length);
      if (picks.length < LEAST || !bounds) continue;
      const name = (what: string) => `${value}/split/${axis}/${what}`;
      const sizes = bounds.slice(1).map((to, i) => to - bounds[i]!);
      constants.set(name("sizes"), int64s(sizes));
      constants.set(name("axis"), int64s([axis]));
      const splits: Node = {
        ...{ op: "Split", domain: "", name: "" },
        inputs: [value, name("sizes")],
        outputs: bounds.slice(0, -1).map((from) => name(`${from}`)),
        attributes: { axis: int(axis) },
      };
      for (const [i, { node, from, isSingle }] of picks.entries()) {
        const part: Node = {
          ...{ op: isSingle ? "Squeeze" : "Identity", domain: "", name: "" },
          inputs: [name(`${from}`), ...(isSingle ? [name("axis")] : [])],
          outputs: node.outputs,
          attributes: {},
        };
        instead.set(node, i === 0 ? [splits, part] : [part]);
      }
    }
  if (instead.size === 0) return graph;
  return {
    ...graph,
    nodes: graph.nodes.flatMap((node) => instead.get(node) ?? [node]),
    constants: new Map([...graph.constants, ...constants]),
  };
}

/** The part that a node takes; undefined where it takes none that is known. */
function pickOf(b: GraphBuilder, node: Node): Pick | undefined {
  const { op, domain, inputs } = node;
  const [x = "", ...parameters] = inputs;
  if (domain !== "" || (op !== "Gather" && op !== "Slice")) return undefined;
  const dims = b.dims(x);
  if (!dims || b.known(x).type !== "float32") return undefined;
  const known = parameters.map((p) => b.intsOf(p));
  if (known.some((ints) => ints?.length !== 1)) return undefined;
  const [start = 0, end, sliced = 0, step = 1] = known.map((ints) => ints![0]);
  const isGather = op === "Gather";
  const axis = axisOf(
    isGather ? attribute(node, "axis", "int", 0) : sliced,
    dims.length,
  );
  const length = dims[axis];
  if (typeof length !== "number") return undefined;
  if (!isGather) {
    const range = sliceRange(length, start, end, step);
    if (range?.step !== 1 || range.count === 0) return undefined;
    const { start: from, count } = range;
    return { node, axis, from, to: from + count, isSingle: false };
  }
  const rank = b.dims(parameters[0]!)?.length;
  const from = start < 0 ? start + length : start;
  if (rank === undefined || from < 0 || from >= length) return undefined;
  const isSingle = rank === 0;
  return rank > 1 ? undefined : { node, axis, from, to: from + 1, isSingle };
}

/** Where the axis is cut for these parts; undefined where they overlap. */
function boundsOf(
  picks: readonly Pick[],
  length: number,
): readonly number[] | undefined {
  const inOrder = picks.toSorted((p, q) => p.from - q.from || p.to - q.to);
  const overlap = inOrder.some((pick, i) => {
    const before = inOrder[i - 1];
    const isSame = before?.from === pick.from && before.to === pick.to;
    return before !== undefined && !isSame && before.to > pick.from;
  });
  if (overlap) return undefined;
  const ends = picks.flatMap(({ from, to }) => [from, to]);
  return [...new Set([0, ...ends, length])].sort((p, q) => p - q);
}
