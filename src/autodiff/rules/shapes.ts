import { attribute, axisOf, fixed, floats, int, sliceRange } from "#onnx";
import { alongAxis } from "../linear-map.ts";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";

/** Reshape, Flatten, Squeeze, Unsqueeze: the gradient takes the input's shape again. */
const reshaped: Rule = ({ b, inputs: [x = ""], g }) => {
  const dims = fixed(b.dims(x));
  return [b.reshape(g, dims ?? b.shapeOf(x))];
};

const transpose: Rule = ({ b, node, inputs: [x = ""], g }) => {
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

const split: Rule = ({ b, node, inputs, outputs, gradients }) => {
  const axis = attribute(node, "axis", "int", 0);
  const parts = outputs.map(
    (y, i) => gradients[i] ?? b.zeros(b.shapeOf(y), inputs[0] as string),
  );
  return [b.concat(parts, axis)];
};

const slice: Rule = ({ b, node, inputs, g }) => {
  const [x, ...parameters] = inputs as [string, ...string[]];
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
    throw unsupported(
      node,
      "its starts, ends, axes or steps are computed while the model runs",
      "Export the model with fixed input sizes, so that they become constants.",
    );
  }
  const axes = (axesInput ?? starts.map((_, i) => i)).map((a) =>
    axisOf(a, dims.length),
  );
  const steps = stepsInput ?? axes.map(() => 1);
  const begin = dims.map(() => 0);
  const end = dims.map(() => 0);
  let back = g;
  let empty = false;
  axes.forEach((axis, i) => {
    const length = dims[axis] ?? null;
    const range = sliceRange(length, starts[i], ends[i], steps[i]);
    if (range === undefined) {
      const whole =
        starts[i] === 0 && (ends[i] ?? 0) >= 2 ** 31 - 1 && steps[i] === 1;
      if (whole) return;
      throw unsupported(
        node,
        `the size of axis ${axis} of its input is not known`,
        "Export the model with fixed input sizes.",
      );
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
    end[axis] = (length as number) - first - covered;
  });
  return [empty ? b.zeros(b.shapeOf(x), x) : b.pad(back, begin, end)];
};

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
  // 0 keeps a size; the two axes become one.
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
  const { b, node, inputs, g } = context;
  const x = inputs[0] as string;
  const dims = b.rankedDims(x);
  const stated = b.intsOf(inputs[1]);
  const axes = inputs[3]
    ? b.intsOf(inputs[3])?.map((a) => axisOf(a, dims.length))
    : dims.map((_, i) => i);
  if (!stated || !axes) {
    throw unsupported(
      node,
      "its pads are computed while the model runs",
      "Export the model with fixed input sizes, so that they become constants.",
    );
  }
  const begin = dims.map(() => 0);
  const end = dims.map(() => 0);
  axes.forEach((axis, i) => {
    begin[axis] = stated[i] ?? 0;
    end[axis] = stated[i + axes.length] ?? 0;
  });
  const mode = attribute(node, "mode", "string", "constant");
  if (mode === "constant") {
    const crop = b.pad(
      g,
      begin.map((p) => -p),
      end.map((p) => -p),
    );
    // What fell on the padding is the gradient of the constant that filled it.
    const value =
      inputs[2] && context.needs(2)
        ? b.sub(b.reduceSum(g), b.reduceSum(crop))
        : undefined;
    return [crop, undefined, value];
  }
  return [
    dims.reduce<string>((back, length, axis) => {
      const [before = 0, after = 0] = [begin[axis], end[axis]];
      if (before === 0 && after === 0) return back;
      if (typeof length !== "number") {
        throw unsupported(
          node,
          `it pads axis ${axis}, whose size is not known`,
          "Export the model with fixed input sizes.",
        );
      }
      const map = new Float32Array((length + before + after) * length);
      for (let o = 0; o < length + before + after; o++) {
        // Negative pads crop first; what remains is what is repeated.
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

const gather: Rule = ({ b, node, inputs, g }) => {
  const [x, indices] = inputs as [string, string];
  const dims = b.rankedDims(x);
  const axis = axisOf(attribute(node, "axis", "int", 0), dims.length);
  const inner = fixed(dims.slice(axis + 1))?.reduce((p, d) => p * d, 1);
  const length = dims[axis];
  if (inner === undefined || typeof length !== "number") {
    throw unsupported(
      node,
      "the size of the axis it picks from is not known",
      "Export the model with fixed input sizes.",
    );
  }
  const shape = b.shapeOf(x);
  // Seen as [outer, axis, inner]; every pick adds its gradient to its row.
  // (ScatterND with addition races on several threads; ScatterElements does not.)
  const zeros = b.reshape(b.zeros(shape, x), [-1, length, inner]);
  const count = fixed(b.dims(indices))?.reduce((p, d) => p * d, 1);
  const picks = b.reshape(indices, [1, -1, 1]);
  const outer = b.reshape(
    g,
    count === undefined
      ? b.concat(
          [b.ints([-1]), b.shapeOf(b.reshape(indices, [-1])), b.ints([inner])],
          0,
        )
      : [-1, count, inner],
  );
  const where = b.expand(picks, b.shapeOf(outer));
  const sum = b.op("ScatterElements", [zeros, where, outer], {
    axis: int(1),
    reduction: { kind: "string", value: "add" },
  });
  return [b.reshape(sum, shape), undefined];
};

const topK: Rule = ({ b, node, inputs: [x = ""], outputs, g }) => {
  const axis = attribute(node, "axis", "int", -1);
  const at = outputs[1] || b.requireOutput(node, 1);
  return [
    b.op("ScatterElements", [b.zeros(b.shapeOf(x), x), at, g], {
      axis: int(axis),
    }),
    undefined,
  ];
};

const tile: Rule = ({ b, node, inputs, g }) => {
  const [x, repeats] = inputs as [string, string];
  const dims = b.rankedDims(x);
  const times = b.intsOf(repeats);
  const pairs = dims.flatMap((d, i) => [
    times?.[i] ?? 1,
    typeof d === "number" ? d : -1,
  ]);
  // Reshape finds out one open size, such as the batch, by itself.
  if (!times || pairs.filter((d) => d === -1).length > 1) {
    throw unsupported(
      node,
      "its sizes are not known",
      "Export the model with fixed input sizes.",
    );
  }
  return [
    b.reduceSum(
      b.reshape(g, pairs),
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
  GatherElements: ({ b, node, inputs, g }) => {
    const [x, indices] = inputs as [string, string];
    return [
      b.op("ScatterElements", [b.zeros(b.shapeOf(x), x), indices, g], {
        axis: int(attribute(node, "axis", "int", 0)),
        reduction: { kind: "string", value: "add" },
      }),
      undefined,
    ];
  },
};
