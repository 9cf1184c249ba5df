import {
  attribute,
  fixed,
  floats,
  int,
  int64s,
  ints,
  type Node,
  string,
  type Window,
  windowOf,
} from "#onnx";
import { alongAxis } from "../linear-map.ts";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";

/**
 * The gradient goes to the element that won, the first of several (as in
 * PyTorch), which the forward pass names when it is asked for its indices.
 */
const maxPool: Rule = (context) => {
  const { b, node, x, g, avoid } = context;
  const spatial = b.rankedDims(x).slice(2);
  const window = windowOf(node, spatial);
  const sizes = fixed(spatial);
  if (b.type(x) === "float32" && sizes && tiles(window, sizes))
    return [amongTiles(context, window, sizes)];
  if (avoid.includes("MaxPool indices"))
    return [withoutIndices(context, window)];
  const indices = indicesOf(b, node);
  const shape = b.shapeOf(x);
  if (apart(window))
    return [
      b.op("MaxUnpool", [g, indices, shape], {
        kernel_shape: { kind: "ints", value: window.kernel },
        strides: { kind: "ints", value: window.strides },
      }),
    ];
  const flat = b.zeros(b.reshape(b.op("Size", [x]), [1]), g);
  const sum = b.op(
    "ScatterElements",
    [flat, b.reshape(indices, [-1]), b.reshape(g, [-1])],
    {
      axis: { kind: "int", value: 0 },
      reduction: { kind: "string", value: "add" },
    },
  );
  return [b.reshape(sum, shape)];
};

/**
 * Windows that tile the image: each element is compared with the maximum of its
 * tile, laid over the image again. Where several are the largest, places that
 * count down name the first. Takes half of the time that indices cost.
 */
function amongTiles(
  { b, x, out, g }: RuleContext,
  { kernel }: Window,
  sizes: readonly number[],
): string {
  const [rows = 1, columns = 1] = kernel;
  const [height = 1, width = 1] = sizes;
  const scales = b.constant(floats([4], [1, 1, rows, columns]));
  // As channels of one image onnxruntime leaves it in the order of its elements. In
  // blocks of channels it would be put in order only when it is large.
  const laid = (small: string) => {
    const one = b.reshape(small, [1, -1, height / rows, width / columns]);
    const large = b.op("Resize", [one, "", scales], {
      mode: string("nearest"),
      nearest_mode: string("floor"),
      coordinate_transformation_mode: string("asymmetric"),
    });
    return b.reshape(large, b.shapeOf(x));
  };
  const countdown = Float32Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width) % rows, (i % width) % columns];
    return rows * columns - (row * columns + column);
  });
  const isLargest = b.mask(b.equal(x, laid(out)), g);
  const places = b.mul(
    isLargest,
    b.constant(floats([1, 1, height, width], countdown)),
  );
  const first = b.op("MaxPool", [places], {
    kernel_shape: ints(kernel),
    strides: ints(kernel),
  });
  const won = b.mask(b.equal(places, laid(first)), g);
  return b.mul(won, laid(g));
}

/** Where each maximum was found, in row-major order. */
function indicesOf(b: RuleContext["b"], node: RuleContext["node"]): string {
  if (attribute(node, "storage_order", "int", 0) === 0)
    return b.requireOutput(node, 1);
  const { storage_order: _, ...attributes } = node.attributes;
  return b.many("MaxPool", [node.inputs[0] ?? ""], attributes, 2)[1]!;
}

/**
 * The same for devices whose pooling names no winners: a convolution with
 * kernels that pick one element lays each window out as channels, the first of
 * the largest is found among them, and the transposed convolution puts its
 * gradient back.
 */
function withoutIndices(
  { b, node, x, out, g }: RuleContext,
  { kernel, strides, dilations, padsBegin }: Window,
): string {
  const input = fixed(b.rankedDims(x).slice(2));
  const output = fixed(b.rankedDims(out).slice(2));
  if (!input || !output) throw unknownSize(node);
  const taps = kernel.reduce((p, k) => p * k, 1);
  const picks = b.constant(
    floats(
      [taps, 1, ...kernel],
      Float32Array.from({ length: taps ** 2 }, (_, i) =>
        i % taps === Math.floor(i / taps) ? 1 : 0,
      ),
    ),
  );
  const attributes = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
  };
  const before = [0, 0, ...padsBegin];
  // Exactly as far as the last window reaches, which may be short of the end.
  const after = input.map((length, i) => {
    const last = ((output[i] ?? 1) - 1) * (strides[i] ?? 1);
    const reach = ((kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
    return last + reach - length - (padsBegin[i] ?? 0);
  });
  const padded = b.op("Pad", [
    b.reshape(x, [-1, 1, ...input]),
    b.ints([...before, 0, 0, ...after]),
    b.scalar(LOWEST),
  ]);
  const windows = b.op("Conv", [padded, picks], attributes);
  const winner = b.op("ArgMax", [windows], { axis: int(1), keepdims: int(1) });
  const places = int64s(
    Array.from({ length: taps }, (_, i) => i),
    [1, taps, ...kernel.map(() => 1)],
  );
  const won = b.mask(b.equal(winner, b.constant(places)), g);
  const shares = b.mul(won, b.reshape(g, [-1, 1, ...output]));
  const back = b.pad(
    b.op("ConvTranspose", [shares, picks], attributes),
    before.map((p) => -p),
    [0, 0, ...after].map((p) => -p),
  );
  return b.reshape(back, b.shapeOf(x));
}

/**
 * Each element comes from where it was put. Places are counted over the whole output.
 */
const maxUnpool: Rule = ({ b, y: indices, g }) => [
  b.op("Gather", [b.reshape(g, [-1]), indices]),
];

/** What is padded never wins, and 0 times it is still 0. */
const LOWEST = -3.4e38;

/** Windows that do not overlap, so that no element can win twice. */
function apart(window: Window): boolean {
  return (
    window.kernel.length === 2 &&
    !window.ceil &&
    window.kernel.every((k, i) => k === window.strides[i]) &&
    window.dilations.every((d) => d === 1) &&
    [...window.padsBegin, ...window.padsEnd].every((p) => p === 0)
  );
}

/** Windows side by side that leave nothing of the image out. */
const tiles = (window: Window, sizes: readonly number[]) =>
  apart(window) &&
  sizes.every((size, i) => size % (window.kernel[i] ?? 1) === 0);

/**
 * Averaging is a linear map along each axis: the gradient goes back
 * through its transpose.
 */
const averagePool: Rule = ({ b, node, x, out, g }) => {
  const spatial = fixed(b.rankedDims(x).slice(2));
  const output = fixed(b.rankedDims(out).slice(2));
  if (!spatial || !output) throw unknownSize(node);
  const window = windowOf(node, spatial);
  const countPadding = attribute(node, "count_include_pad", "int", 0) === 1;
  return [
    spatial.reduce(
      (back, length, i) =>
        alongAxis(
          b,
          back,
          i + 2,
          averages(window, i, length, output[i] ?? 1, countPadding),
        ),
      g,
    ),
  ];
};

/** The p-norm over each window: its derivative is sign(x) |x / y|^(p - 1). */
const lpPool: Rule = ({ b, node, x, out, g }) => {
  const spatial = fixed(b.rankedDims(x).slice(2));
  const output = fixed(b.rankedDims(out).slice(2));
  if (!spatial || !output) throw unknownSize(node);
  const window = windowOf(node, spatial);
  const p = attribute(node, "p", "int", 2);
  const back = spatial.reduce(
    (from, length, i) => {
      const outputs = output[i] ?? 1;
      const shares = averages(window, i, length, outputs, false);
      // Sums instead of averages.
      const ones = floats(shares.dims, shares.data.map(Math.ceil));
      return alongAxis(b, from, i + 2, ones);
    },
    b.mul(g, powerOf(b, out, 1 - p)),
  );
  return [b.mul(back, slopeOf(b, x, p))];
};

const globalLpPool: Rule = ({ b, node, x, out, g }) => {
  const p = attribute(node, "p", "int", 2);
  return [b.mul(b.mul(g, powerOf(b, out, 1 - p)), slopeOf(b, x, p))];
};

/**
 * y to a power that may be negative; 0 where y is 0, at which the norm
 * has no derivative.
 */
function powerOf(b: RuleContext["b"], y: string, exponent: number): string {
  const isZero = b.equal(y, 0);
  return b.where(isZero, 0, b.pow(b.where(isZero, 1, y), exponent));
}

/** The derivative of |x|^p / p. */
const slopeOf = (b: RuleContext["b"], x: string, p: number) =>
  b.mul(b.sign(x), b.pow(b.abs(x), p - 1));

const unknownSize = (node: Node) =>
  unsupported(
    node,
    "the image size is not known",
    "State the input shape in the suite, or export the model with a fixed image size.",
  );

/** The averaging matrix [outputs, inputs] along one axis. */
function averages(
  window: Window,
  axis: number,
  length: number,
  outputs: number,
  countPadding: boolean,
) {
  const kernel = window.kernel[axis] ?? 1;
  const stride = window.strides[axis] ?? 1;
  const dilation = window.dilations[axis] ?? 1;
  const before = window.padsBegin[axis] ?? 0;
  const after = window.padsEnd[axis] ?? 0;
  const map = new Float32Array(outputs * length);
  for (let o = 0; o < outputs; o++) {
    const inside: number[] = [];
    let counted = 0;
    for (let k = 0; k < kernel; k++) {
      const at = o * stride - before + k * dilation;
      if (at >= 0 && at < length) inside.push(at);
      // In ceil mode a window may reach past the padding; that part never counts.
      if (at < length + after) counted++;
    }
    const divisor = countPadding ? counted : inside.length;
    for (const at of inside) map[o * length + at] = 1 / divisor;
  }
  return floats([outputs, length], map);
}

/** Every pixel gets an equal share. */
const globalAverage: Rule = ({ b, x, out, g }) => {
  const spatial = fixed(b.rankedDims(x).slice(2));
  const shared = spatial
    ? b.mul(g, 1 / spatial.reduce((p, d) => p * d, 1))
    : b.div(g, ratioOfSizes(b, x, out));
  const dims = fixed(b.dims(x));
  return [b.expand(shared, dims ? b.ints(dims) : b.shapeOf(x))];
};

function ratioOfSizes(b: RuleContext["b"], x: string, y: string): string {
  const size = (name: string) => b.cast(b.op("Size", [name]), b.type(x));
  return b.div(size(x), size(y));
}

const globalMax: Rule = ({ b, x, out, g }) => {
  const spatial = b
    .rankedDims(x)
    .slice(2)
    .map((_, i) => i + 2);
  const mask = b.mask(b.equal(x, out), x);
  return [b.mul(b.div(g, b.reduceSum(mask, spatial, true)), mask)];
};

export const pooling: RuleTable = {
  MaxPool: maxPool,
  MaxUnpool: maxUnpool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAverage,
  GlobalMaxPool: globalMax,
  LpPool: lpPool,
  GlobalLpPool: globalLpPool,
};
