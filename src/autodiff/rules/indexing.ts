import { attribute, axisOf, type GraphBuilder, int, string } from "#onnx";
import {
  addElements,
  addRows,
  countOf,
  type Size,
  shapeOf,
  sizeOfAxes,
} from "../picking.ts";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";

/** Sums along an axis go back in the opposite direction. */
const cumSum: Rule = ({ b, node, y: axis, g }) => [
  b.op("CumSum", [g, axis], {
    exclusive: int(attribute(node, "exclusive", "int", 0)),
    reverse: int(1 - attribute(node, "reverse", "int", 0)),
  }),
  undefined,
];

/**
 * Products along an axis: each element has the sum of what the products that it
 * is in make of the others. Past a first zero only that zero has a slope, up to
 * the second one.
 */
const cumProd: Rule = ({ b, node, x, y: axis, g }) => {
  const along = (op: string, value: string) =>
    b.op(op, [value, axis], node.attributes);
  const back = (value: string) =>
    b.op("CumSum", [value, axis], {
      ...node.attributes,
      reverse: int(1 - attribute(node, "reverse", "int", 0)),
    });
  const zero = b.equal(x, 0);
  const others = b.where(zero, 1, x);
  const zeros = along("CumSum", b.mask(zero, g));
  const products = b.mul(g, along("CumProd", others));
  const where = (count: number) =>
    back(b.mul(products, b.mask(b.equal(zeros, count), g)));
  return [
    b.add(b.div(where(0), others), b.mul(where(1), b.mask(zero, g))),
    undefined,
  ];
};

/**
 * An operator that undoes itself, or keeps a part: the gradient goes
 * through the same one.
 */
const again: Rule = ({ b, node, inputs, g }) => [
  b.op(node.op, [g, ...inputs.slice(1)], node.attributes),
];

const compress: Rule = ({ b, node, x, y: condition, g }) => {
  const kept = b.reshape(b.op("NonZero", [condition]), [-1]);
  return [rowsOf(b, node, g, x, kept), undefined];
};

/** The values that differ, each from where it came first. */
const unique: Rule = ({ b, node, x, gradients: [g] }) => {
  if (g === undefined) return [undefined];
  const first = node.outputs[1] || b.requireOutput(node, 1);
  return [rowsOf(b, node, g, x, first)];
};

/**
 * Puts rows back along the attribute `axis`, or elements into the flattened value
 * when it has none.
 */
function rowsOf(
  b: GraphBuilder,
  node: RuleContext["node"],
  g: string,
  x: string,
  picks: string,
): string {
  const axis = attribute(node, "axis", "int", undefined);
  if (axis !== undefined) return addRows(b, g, x, axis, picks);
  const shape = b.shapeOf(x);
  const zeros = b.zeros(b.reshape(b.op("Size", [x]), [1]), g);
  return b.reshape(addElements(b, zeros, picks, g, 0), shape);
}

/**
 * Tuples of indices into the axes `[from, from + k)` of a value as one index
 * each into these axes merged, counted from the front; k is the last size of
 * the indices. Returns it in their shape without the last axis.
 */
function linear(
  b: GraphBuilder,
  node: RuleContext["node"],
  x: string,
  indices: string,
  from: number,
): { at: string; k: number } {
  const k = b.rankedDims(indices).at(-1);
  if (typeof k !== "number") {
    throw unsupported(
      node,
      "how many axes its indices point into is not known",
      "Export the model with fixed input sizes.",
    );
  }
  const sizes = Array.from({ length: k }, (_, i) =>
    sizeOfAxes(b, x, from + i, from + i + 1),
  );
  const strides: Size[] = [];
  for (let i = k - 1, stride: Size = 1; i >= 0; i--) {
    strides[i] = stride;
    stride = product(b, stride, sizes[i]!);
  }
  const lengths = shapeOf(b, sizes);
  const positive = b.where(
    b.less(indices, 0),
    b.add(indices, lengths),
    indices,
  );
  return {
    at: b.reduceSum(b.mul(positive, shapeOf(b, strides)), [-1]),
    k,
  };
}

function product(b: GraphBuilder, x: Size, y: Size): Size {
  if (typeof x === "number" && typeof y === "number") return x * y;
  return typeof x === "number" ? b.mul(y, x) : b.mul(x, y);
}

/**
 * Seen as [batch, picked axes, rest of the axes]. Every pick adds its
 * gradient to its place.
 */
const gatherND: Rule = ({ b, node, x, y: indices, g }) => {
  const lead = attribute(node, "batch_dims", "int", 0);
  const rank = b.rankedDims(x).length;
  const { at, k } = linear(b, node, x, indices, lead);
  const batch = sizeOfAxes(b, x, 0, lead);
  const picked = sizeOfAxes(b, x, lead, lead + k);
  const rest = sizeOfAxes(b, x, lead + k, rank);
  const picks = sizeOfAxes(b, at, lead, b.rankedDims(at).length);
  const full = shapeOf(b, [batch, picks, rest]);
  const where = b.expand(b.reshape(at, shapeOf(b, [batch, picks, 1])), full);
  const zeros = b.zeros(shapeOf(b, [batch, picked, rest]), g);
  return [
    b.reshape(
      addElements(b, zeros, where, b.reshape(g, full), 1),
      b.shapeOf(x),
    ),
    undefined,
  ];
};

/** What the gradient of a scatter is made of, whichever way its indices are written. */
interface Scatter {
  readonly b: GraphBuilder;
  readonly axis: number;
  readonly data: string;
  readonly indices: string;
  readonly updates: string;
  readonly out: string;
  readonly g: string;
  readonly needs: (input: number) => boolean;
}

/** The gradients of data and updates, by how updates meet what is there. */
const scatters: Readonly<
  Record<string, (s: Scatter) => readonly [string, string | undefined]>
> = {
  none: (s) => [scatter(s, s.g, zerosOf(s), "none"), overwriting(s)],
  add: (s) => [s.g, pick(s, s.g)],
  mul: multiplying,
  max: choosing,
  min: choosing,
};

const pick = ({ b, indices, axis }: Scatter, from: string) =>
  b.op("GatherElements", [from, indices], { axis: int(axis) });

const scatter = (
  { b, indices, axis }: Scatter,
  onto: string,
  what: string,
  reduction: string,
) =>
  b.op("ScatterElements", [onto, indices, what], {
    axis: int(axis),
    ...(reduction === "none" ? {} : { reduction: string(reduction) }),
  });

const zerosOf = ({ b, updates, g }: Scatter) => b.zeros(b.shapeOf(updates), g);

/**
 * Of several updates of one place one stays, and only it has a gradient: the one whose
 * number stays there.
 */
function overwriting(s: Scatter): string | undefined {
  const { b, updates, data } = s;
  if (!s.needs(2)) return undefined;
  const count = b.op("Size", [updates]);
  const one = b.scalar(1, "int64");
  const numbers = b.reshape(
    b.op("Range", [one, b.add(count, one), one]),
    b.shapeOf(updates),
  );
  const blank = b.zeros(b.shapeOf(data), numbers);
  const last = pick(s, scatter(s, blank, numbers, "none"));
  return b.mul(pick(s, s.g), b.mask(b.equal(last, numbers), s.g));
}

/**
 * A product has the product of the other factors as its slope, also where one
 * of them is zero.
 */
function multiplying(s: Scatter): readonly [string, string | undefined] {
  const { b, data, updates, g } = s;
  const ones = b.add(b.zeros(b.shapeOf(data), g), 1);
  const ofData = b.mul(g, scatter(s, ones, updates, "mul"));
  if (!s.needs(2)) return [ofData, undefined];
  const isZero = (x: string) => b.equal(x, 0);
  const nonZero = (x: string) => b.where(isZero(x), 1, x);
  const others = nonZero(updates);
  const rest = pick(s, b.mul(g, scatter(s, nonZero(data), others, "mul")));
  const own = b.mask(isZero(updates), g);
  const zeros = pick(s, scatter(s, b.mask(isZero(data), g), own, "add"));
  const none = b.div(b.mul(rest, b.mask(b.equal(zeros, 0), g)), others);
  const one = b.mul(b.mul(rest, b.mask(b.equal(zeros, 1), g)), own);
  return [ofData, b.add(none, one)];
}

/** Minimum or maximum: ties share the gradient evenly, as in PyTorch. */
function choosing(s: Scatter): readonly [string, string | undefined] {
  const { b, data, updates, out, g } = s;
  const stayed = b.mask(b.equal(data, out), g);
  const came = b.mask(b.equal(updates, pick(s, out)), g);
  const share = b.div(g, scatter(s, stayed, came, "add"));
  return [b.mul(share, stayed), b.mul(pick(s, share), came)];
}

function scatterRule(context: RuleContext, s: Scatter) {
  const reduction = attribute(context.node, "reduction", "string", "none");
  const rule = scatters[reduction];
  if (!rule) {
    throw unsupported(
      context.node,
      `its reduction "${reduction}" is not one of ONNX`,
      "Export the model again.",
    );
  }
  return rule(s);
}

const scatterElements: Rule = (context) => {
  const { b, node, inputs, x: data, y: indices, out, g, needs } = context;
  const updates = inputs[2]!;
  const [ofData, ofUpdates] = scatterRule(context, {
    b,
    axis: attribute(node, "axis", "int", 0),
    data,
    indices,
    updates,
    out,
    g,
    needs,
  });
  return [ofData, undefined, ofUpdates];
};

/**
 * The same as ScatterElements on the first axes of the data merged into one, and the
 * others into another.
 */
const scatterND: Rule = (context) => {
  const { b, node, inputs, x: data, y: indices, out, g, needs } = context;
  const updates = inputs[2]!;
  const rank = b.rankedDims(data).length;
  const { at, k } = linear(b, node, data, indices, 0);
  const rest = sizeOfAxes(b, data, k, rank);
  const places = shapeOf(b, [sizeOfAxes(b, data, 0, k), rest]);
  const rows = shapeOf(b, [countOf(b, at), rest]);
  const [ofData, ofUpdates] = scatterRule(context, {
    b,
    axis: 0,
    data: b.reshape(data, places),
    indices: b.expand(b.reshape(at, [-1, 1]), rows),
    updates: b.reshape(updates, rows),
    out: b.reshape(out, places),
    g: b.reshape(g, places),
    needs,
  });
  return [
    b.reshape(ofData, b.shapeOf(data)),
    undefined,
    ofUpdates && b.reshape(ofUpdates, b.shapeOf(updates)),
  ];
};

/**
 * A cache in which the updates of each sample are written along an axis from
 * its own index on.
 */
const tensorScatter: Rule = (context) => {
  const { b, node, inputs, x: cache, y: updates, g, needs } = context;
  const starts = inputs[2];
  const zeros = b.zeros(b.shapeOf(updates), g);
  const ofCache = b.op(
    "TensorScatter",
    [g, zeros, ...inputs.slice(2)],
    node.attributes,
  );
  if (!needs(1)) return [ofCache, undefined, undefined];
  const rank = b.rankedDims(cache).length;
  const axis = axisOf(attribute(node, "axis", "int", -2), rank);
  const length = (value: string) =>
    shapeOf(b, [sizeOfAxes(b, value, axis, axis + 1)]);
  const shape = (at: number) => {
    const ones = new Array<number>(rank).fill(1);
    ones[at] = -1;
    return ones;
  };
  const steps = b.op("Range", [
    b.scalar(0, "int64"),
    b.reshape(length(updates), []),
    b.scalar(1, "int64"),
  ]);
  const offset = b.reshape(steps, shape(axis));
  const from = starts && b.reshape(b.cast(starts, "int64"), shape(0));
  const places = from ? b.add(from, offset) : offset;
  const circular = attribute(node, "mode", "string", "linear") === "circular";
  const at = circular ? b.op("Mod", [places, length(cache)]) : places;
  const picks = b.expand(at, b.shapeOf(updates));
  return [
    ofCache,
    b.op("GatherElements", [g, picks], { axis: int(axis) }),
    undefined,
  ];
};

/** Cropping and padding around the centre undo each other. */
const centerCropPad: Rule = ({ b, node, x, g }) => {
  const axes = attribute(node, "axes", "ints", undefined);
  const sizes = b.shapeOf(x);
  const wanted = axes ? b.op("Gather", [sizes, b.ints(axes)]) : sizes;
  return [b.op("CenterCropPad", [g, wanted], node.attributes), undefined];
};

/** One of two values at each place: each gets what falls on its places. */
const oneHot: Rule = ({ b, node, inputs, x, y, g, needs }) => {
  if (!needs(2)) return [null, null, undefined];
  const values = inputs[2]!;
  const unit = b.cast(b.ints([0, 1]), b.type(values));
  const hot = b.op("OneHot", [x, y, unit], node.attributes);
  const on = b.reduceSum(b.mul(g, hot), undefined, true);
  const all = b.reduceSum(g, undefined, true);
  const both = [b.sub(all, on), on].map((sum) => b.reshape(sum, [1]));
  return [null, null, b.concat(both, 0)];
};

export const indexing: RuleTable = {
  OneHot: oneHot,
  CumSum: cumSum,
  CumProd: cumProd,
  TensorScatter: tensorScatter,
  CenterCropPad: centerCropPad,
  Trilu: again,
  ReverseSequence: again,
  Compress: compress,
  Unique: unique,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
};
