import { GraphBuilder } from "./builder.ts";
import { axisOf, multiply } from "./dims.ts";
import { attribute, type Dim, type Graph, int, type Node } from "./graph.ts";
import { int64s, isAlike, numbers } from "./tensor.ts";

/** The name of the open batch dimension. */
export const BATCH = "batch";

/** As an end of a Slice: as far as there is. */
const ALL = Number.MAX_SAFE_INTEGER;

/**
 * Where the batch goes that a Reshape joins with a size in front of it or behind it,
 * when the file does not tell: one sample alone fits both.
 */
export type Join = "front" | "behind";

/**
 * A graph that was exported for one batch size, for any: the first dimension
 * of the input is opened, and what repeats the fixed size where the batch is
 * (targets of Reshape, Expand and Slice, a class token beside tokens, initial
 * states) takes as many as there are instead. An exporter may bake the size
 * in elsewhere, so the result has to be tried: a batch must give what its samples
 * give alone.
 */
export function openBatch(
  graph: Graph,
  input: string,
  join: Join = "front",
): Graph {
  const info = graph.inputs.find((i) => i.name === input);
  const size = info?.dims?.[0];
  if (!info?.dims || typeof size !== "number") return graph;
  const opened = { ...info, dims: [BATCH, ...info.dims.slice(1)] };
  const b = new GraphBuilder(
    {
      ...graph,
      inputs: graph.inputs.map((i) => (i === info ? opened : i)),
      // What the exporter recorded holds for the old size only.
      outputs: graph.outputs.map(({ name, type }) => ({ name, type })),
      valueInfo: [],
      nodes: [],
    },
    "batch/",
  );
  const joined = new Map<Dim, number>();
  for (const node of graph.nodes) {
    const open = Object.hasOwn(openers, node.op) && openers[node.op];
    const place = { b, node, size, input, join, joined };
    b.append(open && node.domain === "" ? open(place) : node);
  }
  return b.build();
}

interface Place {
  readonly b: GraphBuilder;
  readonly node: Node;
  /** The batch size that the graph was exported for. */
  readonly size: number;
  /** The input whose first size is that of the batch. */
  readonly input: string;
  readonly join: Join;
  /**
   * Of a size that joins the batch with others, such as "5*batch": how much of it lies
   * in front of the batch.
   */
  readonly joined: Map<Dim, number>;
}

/**
 * A node that goes along with any batch size, in place of one that was made for one.
 */
type Opener = (place: Place) => Node;

/**
 * The axis of a value along which the batch lies, alone or joined with others; -1
 * where it has none.
 */
const batchAxis = (dims: readonly Dim[] | undefined): number =>
  dims?.findIndex(
    (d) => typeof d === "string" && d.split("*").includes(BATCH),
  ) ?? -1;

/** A dimension as it was in the file. */
function asExported(dim: Dim | undefined, size: number): number | undefined {
  if (typeof dim === "number") return dim;
  const parts = dim?.split("*").map((p) => (p === BATCH ? size : Number(p)));
  const product = parts?.reduce((p, d) => p * d, 1);
  return product !== undefined && Number.isFinite(product)
    ? product
    : undefined;
}

/**
 * A target that repeats the fixed size where the batch is keeps that axis open. A -1
 * elsewhere is told its size.
 */
const reshape: Opener = ({ b, node, size, join, joined }) => {
  const [x = "", shape = ""] = node.inputs;
  const from = b.dims(x);
  const target = b.known(shape).values;
  const axis = batchAxis(from);
  const { allowzero, ...attributes } = node.attributes;
  if (!from || !target || axis < 0) return node;
  if (allowzero?.kind === "int" && allowzero.value && target.includes(0))
    return node;
  const named = target.map((d, i) => (d === 0 ? (from[i] ?? null) : d));
  if (batchAxis(named) >= 0) return node;
  const whole = from.map((d) => asExported(d, size));
  const sizes = toldSizes(named, whole);
  const before = multiply([
    ...from.slice(0, axis),
    joined.get(from[axis]!) ?? 1,
  ]);
  const first = axis === 0 && named[0] === size ? 0 : -1;
  const at = sizes ? batchIn(sizes, before, { axis, size, join }) : first;
  if (at < 0) return node;
  const inFront = multiply((sizes ?? []).slice(0, at));
  if (sizes && typeof before === "number" && typeof inFront === "number")
    joined.set(multiply([sizes[at]! / size, BATCH]), before / inFront);
  if (target[at] === -1) return node;
  // 0 repeats the size of the input, and says so even beside a -1.
  const open = at === 0 && from[0] === BATCH && named[0] === size ? 0 : -1;
  const told = (open === 0 && b.intsOf(shape)) || sizes;
  const opened = told
    ? b.ints(told.map((d, i) => (i === at ? open : d)))
    : b.concat([b.ints([0]), b.slice(shape, [1], [ALL], [0])], 0);
  return { ...node, attributes, inputs: [x, opened] };
};

/**
 * All sizes of a target, a -1 among them by what the input holds; undefined when
 * something else is not known.
 */
function toldSizes(
  target: readonly Dim[],
  from: readonly (number | undefined)[],
): readonly number[] | undefined {
  if (!target.every((d) => typeof d === "number")) return undefined;
  const open = target.indexOf(-1);
  if (open < 0) return target;
  const whole = from.reduce<number>((p, d) => p * (d ?? Number.NaN), 1);
  const rest = target.reduce((p, d, i) => (i === open ? p : p * d), 1);
  const own = whole / rest;
  if (!Number.isInteger(own)) return undefined;
  return target.map((d, i) => (i === open ? own : d));
}

/**
 * The axis of a Reshape's result that holds the batch: the one of its own size that has
 * as much in front of it as there was (`before`), or else one that joins it with what
 * is in front or behind. -1 when there is none.
 *
 * @param axis where it was
 */
function batchIn(
  target: readonly number[],
  before: Dim,
  { axis, size, join }: { axis: number; size: number; join: Join },
): number {
  if (typeof before !== "number") return -1;
  const inFront = target.map((_, i) =>
    target.slice(0, i).reduce((p, d) => p * d, 1),
  );
  const isAlone = (i: number) => inFront[i] === before && target[i] === size;
  const alone = [axis, ...target.keys()].find(isAlone);
  if (alone !== undefined) return alone;
  const shares = (i: number) => target[i]! % size === 0;
  const ends = target.map((d, i) => inFront[i]! * d);
  const front = target.findIndex(
    (_, i) => shares(i) && ends[i] === before * size,
  );
  // Behind the batch lie parts of a sample. A last axis holds features.
  const behind = target.findIndex(
    (_, i) => shares(i) && inFront[i] === before && i < target.length - 1,
  );
  const [chosen, other] = join === "front" ? [front, behind] : [behind, front];
  if (Math.max(chosen, other) >= 0) return chosen >= 0 ? chosen : other;
  return target.findIndex(
    (_, i) => shares(i) && inFront[i]! <= before && ends[i]! >= before * size,
  );
}

/** An Expand to the old size of what has the batch already. */
const expand: Opener = ({ b, node, size }) => {
  const [x = "", shape = ""] = node.inputs;
  const from = b.dims(x);
  const target = b.intsOf(shape);
  const axis = batchAxis(from);
  if (!from || !target || axis < 0) return node;
  const at = axis + target.length - from.length;
  if (at < 0 || target[at] !== size) return node;
  // One is broadcast: it keeps what there is.
  const told = target.map((d, i) => (i === at ? 1 : d));
  return { ...node, inputs: [x, b.ints(told)] };
};

/** A Slice that takes the whole batch. */
const slice: Opener = ({ b, node, size }) => {
  const [x = "", starts = "", ends = "", axes = "", ...rest] = node.inputs;
  const dims = b.dims(x);
  const [from, to] = [b.intsOf(starts), b.intsOf(ends)];
  const along = axes ? b.intsOf(axes) : from?.map((_, i) => i);
  if (!dims || !from || !to || !along) return node;
  const at = along.findIndex((a) => axisOf(a, dims.length) === batchAxis(dims));
  if (at < 0 || from[at] !== 0 || to[at] !== size) return node;
  const told = to.map((d, i) => (i === at ? ALL : d));
  return { ...node, inputs: [x, starts, b.ints(told), axes, ...rest] };
};

/**
 * Numbers of a flattened batch by their places, as PyTorch writes views of maps whose
 * channels are last (`as_strided`): the places of one sample, in each.
 */
const gather: Opener = ({ b, node, size, joined }) => {
  const [x = "", places = ""] = node.inputs;
  const [dim, ...more] = b.dims(x) ?? [];
  const chosen = b.constantOf(places);
  const isFront = typeof dim === "string" && joined.get(dim) === 1;
  if (!isFront || more.length > 0 || chosen?.dims[0] !== size) return node;
  const own = (asExported(dim, size) ?? Number.NaN) / size;
  const all = numbers(chosen);
  const first = all.slice(0, all.length / size);
  const isEach = all.every(
    (v, i) =>
      v === first[i % first.length]! + own * Math.floor(i / first.length),
  );
  if (!isEach || first.some((v) => v < 0 || v >= own)) return node;
  const one = b.constant(int64s(first, chosen.dims.slice(1)));
  const inputs = [b.reshape(x, [-1, own]), one];
  return { ...node, inputs, attributes: { axis: int(1) } };
};

/** Parts without the batch, such as a class token, are repeated for each sample. */
const concat: Opener = ({ b, node, size, input }) => {
  const dims = node.inputs.map((name) => b.dims(name));
  const axis = Math.max(...dims.map(batchAxis));
  const rank = dims.find((d) => d)?.length ?? 0;
  if (axis < 0 || axisOf(attribute(node, "axis", "int", 0), rank) === axis)
    return node;
  const inputs = node.inputs.map((name, i) =>
    dims[i]?.[axis] === size ? forEach(name, axis, { b, input }) : name,
  );
  return { ...node, inputs };
};

/** Initial states and lengths of a recurrent layer, repeated for each sample. */
const recurrent: Opener = ({ b, node, size, input }) => {
  const axis = attribute(node, "layout", "int", 0) === 1 ? 0 : 1;
  if (batchAxis(b.dims(node.inputs[0] ?? "")) !== axis) return node;
  const inputs = node.inputs.map((name, i) => {
    const at = i === 4 ? 0 : axis;
    const isOne = i >= 4 && i <= 6 && b.dims(name)?.[at] === size;
    return isOne ? forEach(name, at, { b, input }) : name;
  });
  return { ...node, inputs };
};

/** Places to sample that are the same for each sample, as an affine grid is. */
const gridSample: Opener = ({ b, node, size, input }) => {
  const [x = "", grid = ""] = node.inputs;
  const isFixed = b.dims(grid)?.[0] === size;
  return batchAxis(b.dims(x)) === 0 && isFixed
    ? { ...node, inputs: [x, forEach(grid, 0, { b, input })] }
    : node;
};

/** Operands that hold the same for each sample of the old size are broadcast. */
const broadcast: Opener = ({ b, node, size }) => {
  const dims = node.inputs.map((name) => b.dims(name));
  if (size === 1 || dims.some((d) => d === undefined)) return node;
  // Axes are counted from the end, as broadcasting does.
  const ends = dims.map((d) =>
    batchAxis(d) < 0 ? 0 : batchAxis(d) - d!.length,
  );
  const end = Math.min(...ends);
  // The last two axes of a product are those of its matrices.
  if (end === 0 || (node.op === "MatMul" && end > -3)) return node;
  const inputs = node.inputs.map((name, i) => {
    const at = end + (dims[i]?.length ?? 0);
    const isFixed = at >= 0 && dims[i]?.[at] === size;
    return (isFixed && oneRow(name, at, b)) || name;
  });
  return { ...node, inputs };
};

/**
 * A value that holds the same for each sample of the old size, for as many as there
 * are; as it is when it differs.
 */
function forEach(
  value: string,
  axis: number,
  { b, input }: Pick<Place, "b" | "input">,
): string {
  const one = oneRow(value, axis, b);
  if (one === undefined) return value;
  const rank = b.dims(value)?.length ?? 0;
  const batch = b.slice(b.shapeOf(input), [0], [1], [0]);
  const ones = (count: number) =>
    count > 0 ? [b.ints(new Array<number>(count).fill(1))] : [];
  return b.expand(
    one,
    b.concat([...ones(axis), batch, ...ones(rank - axis - 1)], 0),
  );
}

/**
 * One of the equal rows of a value along an axis; undefined when they are not
 * known to be equal.
 */
function oneRow(
  value: string,
  axis: number,
  b: GraphBuilder,
): string | undefined {
  const dims = b.dims(value) ?? [];
  if (dims[axis] === 1) return value;
  return isRepeated(value, axis - dims.length, b)
    ? b.slice(value, [0], [1], [axis])
    : undefined;
}

/**
 * Whether a value is known to be the same along an axis, which is counted from the end.
 */
function isRepeated(value: string, end: number, b: GraphBuilder): boolean {
  const dims = b.dims(value);
  const axis = (dims?.length ?? 0) + end;
  if (!dims) return false;
  if (axis < 0 || dims[axis] === 1) return true;
  const constant = b.constantOf(value);
  if (constant) return isAlike(constant, axis);
  if (isUniform(value, b)) return true;
  const maker = b.nodes.findLast((n) => n.outputs.includes(value));
  if (maker?.domain !== "") return false;
  if (maker.op === "ConstantOfShape") return true;
  const isPlain = elementwise.has(maker.op) && maker.op !== "MatMul";
  if (!isPlain && !/^(Expand|Tile|Cast|Identity)$/.test(maker.op)) return false;
  const parts = isPlain ? maker.inputs : maker.inputs.slice(0, 1);
  return parts.every((name) => isRepeated(name, end, b));
}

/** Operators that move numbers or repeat them. */
const movers: ReadonlySet<string> = new Set(
  "Cast Expand Gather Identity Reshape Slice Split Squeeze Tile Transpose Unsqueeze".split(
    " ",
  ),
);

/** Whether a value is known to hold one number everywhere, as initial states do. */
function isUniform(value: string, b: GraphBuilder): boolean {
  const constant = b.constantOf(value);
  if (constant)
    return Array.from(constant.data as ArrayLike<unknown>).every(
      (v, _, [first]) => v === first,
    );
  const maker = b.nodes.findLast((n) => n.outputs.includes(value));
  if (maker?.domain !== "") return false;
  if (maker.op === "ConstantOfShape") return true;
  return movers.has(maker.op) && isUniform(maker.inputs[0] ?? "", b);
}

const elementwise: ReadonlySet<string> = new Set(
  "Add And Div Equal Greater GreaterOrEqual Less LessOrEqual MatMul Max Mean Min Mul Or Pow Sub Sum Where Xor".split(
    " ",
  ),
);

const openers: Readonly<Record<string, Opener>> = {
  Reshape: reshape,
  Expand: expand,
  Slice: slice,
  Gather: gather,
  GridSample: gridSample,
  Concat: concat,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  ...Object.fromEntries([...elementwise].map((op) => [op, broadcast])),
};
