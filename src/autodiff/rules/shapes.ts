import { attribute, axisOf, fixed, floats, int, sliceRange } from "#onnx";
import { alongAxis } from "../linear-map.ts";
import { addElements, addRows, backToSources } from "../picking.ts";
import type { Rule, RuleContext, RuleTable } from "../rule.ts";

/** Reshape, Flatten, Squeeze, Unsqueeze: the gradient takes the input's shape again. */
const reshaped: Rule = ({ b, x, g }) => {
  const dims = fixed(b.dims(x));
  return [b.reshape(g, dims ?? b.shapeOf(x))];
};

const transpose: Rule = ({ b, node, x, g }) => {
  const rank = b.rankedDims(x).length;
  const order =
    attribute(node, "perm", "ints", undefined) ??
    Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const inverse = order.map((_, i) => order.indexOf(i));
  return [b.transpose(g, inverse)];
};

const concat: Rule = ({ b, node, inputs, g }) => {
  if (inputs.length === 1) return [g];
  const axis = attribute(node, "axis", "int", 0);
  const lengths = inputs.map((x) => {
    const dims = b.rankedDims(x);
    return dims[axisOf(axis, dims.length)];
  });
  const sizes = lengths.every((l) => typeof l === "number")
    ? b.ints(lengths as number[])
    : b.concat(
        inputs.map((x) =>
          b.slice(
            b.shapeOf(x),
            [axis],
            [axis === -1 ? 2 ** 31 : axis + 1],
            [0],
          ),
        ),
        0,
      );
  return b.many("Split", [g, sizes], { axis: int(axis) }, inputs.length);
};

const split: Rule = ({ b, node, g, gradients }) => {
  const axis = attribute(node, "axis", "int", 0);
  const parts = node.outputs.map(
    (out, i) => gradients[i] ?? b.zeros(b.shapeOf(out), g),
  );
  return [b.concat(parts, axis)];
};

const slice: Rule = (context) => {
  const { b, inputs, x, g } = context;
  const parameters = inputs.slice(1);
  const dims = b.rankedDims(x);
  const [starts, ends, axesInput, stepsInput] = parameters.map((p) =>
    b.intsOf(p),
  );
  if (
    !starts ||
    !ends ||
    (parameters[2] && !axesInput) ||
    (parameters[3] && !stepsInput)
  ) {
    return [sliceAtRunTime(context)];
  }
  const axes = (axesInput ?? starts.map((_, i) => i)).map((a) =>
    axisOf(a, dims.length),
  );
  const steps = stepsInput ?? axes.map(() => 1);
  const ranges = axes.map((axis, i) =>
    sliceRange(dims[axis] ?? null, starts[i], ends[i], steps[i]),
  );
  const begin = dims.map(() => 0);
  const end = dims.map(() => 0);
  let back = g;
  let empty = false;
  for (const [i, axis] of axes.entries()) {
    const range = ranges[i];
    const length = dims[axis];
    if (range === undefined || typeof length !== "number") {
      const whole =
        starts[i] === 0 && (ends[i] ?? 0) >= 2 ** 31 - 1 && steps[i] === 1;
      if (whole) continue;
      return [sliceAtRunTime(context)];
    }
    const step = Math.abs(range.step);
    if (range.step < 0) {
      back = b.slice(back, [-1], [-(2 ** 31)], [axis], [-1]);
    }
    const covered = (range.count - 1) * step + 1;
    if (step > 1) back = spread(b, back, axis, step, covered);
    empty ||= range.count === 0;
    const first = range.step < 0 ? range.start - covered + 1 : range.start;
    begin[axis] = first;
    end[axis] = length - first - covered;
  }
  return [empty ? b.zeros(b.shapeOf(x), g) : b.pad(back, begin, end)];
};

/**
 * Of a slice whose place is only known as the model runs: by steps of one it is padded,
 * otherwise put back element by element.
 */
function sliceAtRunTime({ b, inputs, x, y, out, g }: RuleContext): string {
  const [, , , axesInput = "", stepsInput] = inputs;
  const ones = !stepsInput || b.intsOf(stepsInput)?.every((s) => s === 1);
  const count = b.dims(y)?.[0];
  if (!ones || (!axesInput && typeof count !== "number")) {
    return backToSources(b, g, x, (positions) =>
      b.op("Slice", [positions, ...inputs.slice(1)]),
    );
  }
  const starts = b.cast(y, "int64");
  const axes = axesInput
    ? b.cast(axesInput, "int64")
    : b.ints(Array.from({ length: count as number }, (_, i) => i));
  const along = (value: string) => b.op("Gather", [b.shapeOf(value), axes]);
  const lengths = along(x);
  const first = b.where(b.less(starts, 0), b.add(starts, lengths), starts);
  const begin = b.op("Min", [
    b.op("Max", [first, b.scalar(0, "int64")]),
    lengths,
  ]);
  const end = b.sub(b.sub(lengths, begin), along(out));
  return b.op("Pad", [g, b.concat([begin, end], 0), "", axes]);
}

/** Puts `step - 1` zeros between the elements along an axis. */
function spread(
  b: RuleContext["b"],
  x: string,
  axis: number,
  step: number,
  covered: number,
): string {
  const rank = b.rankedDims(x).length;
  const wide = b.unsqueeze(x, [axis + 1]);
  const zeros = new Array<number>(rank + 1).fill(0);
  const after = [...zeros];
  after[axis + 1] = step - 1;
  const padded = b.pad(wide, zeros, after);
  // 0 keeps a size. The two axes become one.
  const shape = b.concat(
    [
      ...(axis > 0 ? [b.slice(b.shapeOf(x), [0], [axis], [0])] : []),
      b.ints([-1]),
      ...(axis < rank - 1
        ? [b.slice(b.shapeOf(x), [axis + 1], [rank], [0])]
        : []),
    ],
    0,
  );
  return b.slice(b.reshape(padded, shape), [0], [covered], [axis]);
}

const pad: Rule = (context) => {
  const { b, node, inputs, x, y, g } = context;
  const mode = attribute(node, "mode", "string", "constant");
  const dims = b.rankedDims(x);
  const stated = b.intsOf(y);
  const axes = inputs[3]
    ? b.intsOf(inputs[3])?.map((a) => axisOf(a, dims.length))
    : dims.map((_, i) => i);
  const repeats = mode !== "constant";
  const open = axes?.some(
    (axis, i) =>
      typeof dims[axis] !== "number" &&
      (stated?.[i] || stated?.[i + axes.length]),
  );
  if (!stated || !axes || (repeats && open)) return padAtRunTime(context);
  const begin = dims.map(() => 0);
  const end = dims.map(() => 0);
  axes.forEach((axis, i) => {
    begin[axis] = stated[i] ?? 0;
    end[axis] = stated[i + axes.length] ?? 0;
  });
  if (!repeats) {
    const negative = (pads: readonly number[]) => pads.map((p) => -p);
    return cropped(context, b.pad(g, negative(begin), negative(end)));
  }
  return [
    dims.reduce<string>((back, length, axis) => {
      const [before = 0, after = 0] = [begin[axis], end[axis]];
      if (before === 0 && after === 0) return back;
      if (typeof length !== "number") return back;
      const map = new Float32Array((length + before + after) * length);
      for (let o = 0; o < length + before + after; o++) {
        // Negative pads crop first. What remains is what is repeated.
        const first = Math.max(0, -before);
        const kept = length - first - Math.max(0, -after);
        const source = first + sourceOf(mode, o - before - first, kept);
        map[o * length + source] = 1;
      }
      return alongAxis(
        b,
        back,
        axis,
        floats([length + before + after, length], map),
      );
    }, g),
  ];
};

/**
 * The gradient of what was padded with a constant, and of the constant: what
 * fell on the padding.
 */
function cropped({ b, inputs, g, needs }: RuleContext, crop: string) {
  const value =
    inputs[2] && needs(2)
      ? b.sub(b.reduceSum(g), b.reduceSum(crop))
      : undefined;
  return [crop, undefined, value];
}

/** Of pads that are only known as the model runs. */
function padAtRunTime(context: RuleContext) {
  const { b, node, inputs, x, y: pads, g } = context;
  const axes = inputs[3];
  if (attribute(node, "mode", "string", "constant") === "constant") {
    const by = [g, b.neg(pads), ...(axes ? ["", axes] : [])];
    return cropped(context, b.op("Pad", by));
  }
  return [
    backToSources(b, g, x, (positions) =>
      b.op("Pad", [positions, ...inputs.slice(1)], node.attributes),
    ),
  ];
}

/** Which element of an axis a padded position repeats. */
function sourceOf(mode: string, at: number, length: number): number {
  if (at >= 0 && at < length) return at;
  if (mode === "edge") return at < 0 ? 0 : length - 1;
  if (mode === "wrap") return ((at % length) + length) % length;
  const period = Math.max(1, 2 * (length - 1));
  const folded = ((at % period) + period) % period;
  return folded < length ? folded : period - folded;
}

const expand: Rule = ({ g }) => [g];

const gather: Rule = ({ b, node, x, y: indices, g }) => [
  addRows(b, g, x, attribute(node, "axis", "int", 0), indices),
  undefined,
];

const topK: Rule = ({ b, node, x, g }) => {
  const axis = attribute(node, "axis", "int", -1);
  const at = node.outputs[1] || b.requireOutput(node, 1);
  return [
    b.op("ScatterElements", [b.zeros(b.shapeOf(x), g), at, g], {
      axis: int(axis),
    }),
    undefined,
  ];
};

const tile: Rule = ({ b, x, y: repeats, g }) => {
  const dims = b.rankedDims(x);
  const times = b.intsOf(repeats);
  const pairs = dims.flatMap((d, i) => [
    times?.[i] ?? -1,
    typeof d === "number" ? d : -1,
  ]);
  // Reshape finds out one open size, such as the batch, by itself.
  const clear = pairs.filter((d) => d === -1).length <= 1 && !pairs.includes(0);
  const column = (sizes: string) => b.unsqueeze(sizes, [1]);
  const interleaved = clear
    ? pairs
    : b.reshape(b.concat([column(repeats), column(b.shapeOf(x))], 1), [-1]);
  return [
    b.reduceSum(
      b.reshape(g, interleaved),
      dims.map((_, i) => 2 * i),
    ),
    undefined,
  ];
};

export const shapes: RuleTable = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: expand,
  Tile: tile,
  Gather: gather,
  TopK: topK,
  GatherElements: ({ b, node, x, y: indices, g }) => [
    addElements(
      b,
      b.zeros(b.shapeOf(x), g),
      indices,
      g,
      attribute(node, "axis", "int", 0),
    ),
    undefined,
  ],
};
