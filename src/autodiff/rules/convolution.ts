import {
  type Attributes,
  attribute,
  fixed,
  floats,
  int,
  ints,
  type Window,
  windowOf,
} from "#onnx";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";

type Builder = RuleContext["b"];

/** Everything the formulas below need of one convolution. */
interface Geometry extends Window {
  readonly groups: number;
  /** Weight dims: [M, C / groups, ...kernel]. */
  readonly weight: readonly number[];
  /** Spatial sizes of the input and of the output. */
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/**
 * Convolution. Several formulas are exact; which one is fastest depends on the
 * shape, and the choice below follows the measurements in docs/performance.md.
 */
const conv: Rule = (context) => {
  const { b, node, inputs, x, y: w, out, g } = context;
  const weight = fixed(b.dims(w));
  const input = fixed(b.rankedDims(x).slice(2));
  const output = fixed(b.rankedDims(out).slice(2));
  if (!weight || !input || !output) {
    throw unsupported(
      node,
      "the image size or the kernel size is not known",
      "State the input shape in the suite, or export the model with a fixed image size.",
    );
  }
  const geometry: Geometry = {
    ...windowOf(node, input, weight.slice(2)),
    groups: attribute(node, "group", "int", 1),
    weight,
    input,
    output,
  };
  const spatialAxes = output.map((_, i) => i + 2);
  return [
    context.needs(0) ? inputGradient(b, g, w, geometry) : undefined,
    context.needs(1) ? weightGradient(b, g, x, geometry) : undefined,
    inputs[2] ? b.reduceSum(g, [0, ...spatialAxes]) : undefined,
  ];
};

function inputGradient(b: Builder, g: string, w: string, s: Geometry): string {
  const [, channels = 1, ...kernel] = s.weight;
  // A convolution into few channels pays for a whole block of them.
  const few =
    s.groups === 1 &&
    channels <= FEW &&
    kernel.length === 2 &&
    kernel.some((k) => k > 1);
  return s.strides.every((stride) => stride === 1) && !few
    ? flippedConvolution(b, g, w, s)
    : transposedConvolution(b, g, w, s);
}

/** Channels of half a block of onnxruntime's kernels. */
const FEW = 8;

/**
 * Stride 1: a convolution of the gradient with the flipped kernel, its channels swapped
 * inside each group.
 */
function flippedConvolution(
  b: Builder,
  g: string,
  w: string,
  s: Geometry,
): string {
  const [m = 1, c = 1, ...kernel] = s.weight;
  const each = m / s.groups;
  const taps = kernel.reduce((p, k) => p * k, 1);
  const reversed =
    taps === 1 ? w : b.matmul(b.reshape(w, [-1, taps]), reversal(b, taps));
  // Nothing changes places where each group has one channel on one side.
  const swapped =
    c === 1 || each === 1
      ? reversed
      : b.transpose(
          b.reshape(reversed, [s.groups, each, c, taps]),
          [0, 2, 1, 3],
        );
  const flipped = b.reshape(swapped, [s.groups * c, each, ...kernel]);
  const reach = kernel.map((k, i) => (s.dilations[i] ?? 1) * (k - 1));
  const begin = reach.map((r, i) => r - (s.padsBegin[i] ?? 0));
  const end = reach.map((r, i) => r - (s.padsEnd[i] ?? 0));
  // A convolution cannot pad by less than nothing: crop first.
  const cropped = b.pad(
    g,
    [0, 0, ...begin.map((p) => Math.min(p, 0))],
    [0, 0, ...end.map((p) => Math.min(p, 0))],
  );
  return b.op("Conv", [cropped, flipped], {
    kernel_shape: ints(kernel),
    dilations: ints(s.dilations),
    group: int(s.groups),
    pads: ints([...begin, ...end].map((p) => Math.max(p, 0))),
  });
}

/**
 * The matrix that reverses a row. A product with it takes half the time of a slice
 * with negative steps.
 */
const reversal = (b: Builder, length: number) =>
  b.constant(
    floats(
      [length, length],
      Float32Array.from({ length: length ** 2 }, (_, i) =>
        (i % length) + Math.floor(i / length) === length - 1 ? 1 : 0,
      ),
    ),
  );

/**
 * Larger strides, and few channels: the transposed convolution, padded at the end to
 * the size of the input.
 */
function transposedConvolution(
  b: Builder,
  g: string,
  w: string,
  s: Geometry,
): string {
  const missing = s.input.map((length, i) => {
    const reached =
      ((s.output[i] ?? 1) - 1) * (s.strides[i] ?? 1) -
      (s.padsBegin[i] ?? 0) -
      (s.padsEnd[i] ?? 0) +
      (s.dilations[i] ?? 1) * ((s.weight[i + 2] ?? 1) - 1) +
      1;
    return length - reached;
  });
  return b.op("ConvTranspose", [g, w], {
    kernel_shape: ints(s.weight.slice(2)),
    strides: ints(s.strides),
    dilations: ints(s.dilations),
    pads: ints([...s.padsBegin, ...s.padsEnd]),
    group: int(s.groups),
    output_padding: ints(missing),
  });
}

function weightGradient(b: Builder, g: string, x: string, s: Geometry): string {
  const [m = 1, c = 1, ...kernel] = s.weight;
  const pointwise =
    kernel.every((k) => k === 1) &&
    s.strides.every((stride) => stride === 1) &&
    [...s.padsBegin, ...s.padsEnd].every((p) => p === 0);
  if (pointwise && s.groups === 1) {
    const pixels = s.output.reduce((p, d) => p * d, 1);
    return pixels * (m + c) < m * c
      ? byTaps(b, g, x, s)
      : perSample(b, g, x, s);
  }
  const batch = b.dims(x)?.[0];
  if (c === 1 && m === s.groups && typeof batch === "number") {
    return depthwise(b, g, x, batch, s);
  }
  return s.groups > 1 || c <= 4 || kernel.length !== 2
    ? swappedConvolution(b, g, x, s)
    : byTaps(b, g, x, s);
}

/**
 * Batch and channels exchanged: the input convolved with the gradient, strides and
 * dilations exchanged too.
 */
function swappedConvolution(
  b: Builder,
  g: string,
  x: string,
  s: Geometry,
): string {
  const [m = 1, c = 1, ...kernel] = s.weight;
  const axes = kernel.map((_, i) => i + 2);
  const images =
    s.groups === 1
      ? b.transpose(x, [1, 0, ...axes])
      : b.reshape(
          b.transpose(b.reshape(x, [-1, s.groups, c, ...s.input]), [
            2,
            1,
            0,
            ...axes.map((a) => a + 1),
          ]),
          b.concat([b.ints([c, -1]), b.ints(s.input)], 0),
        );
  const filters = b.transpose(g, [1, 0, ...axes]);
  const attributes: Attributes = {
    strides: ints(s.dilations),
    dilations: ints(s.strides),
    pads: ints([...s.padsBegin, ...s.padsEnd]),
    group: int(s.groups),
  };
  const wide = b.op("Conv", [images, filters], attributes);
  // A stride that leaves a remainder makes the result wider than the kernel.
  const exact = b.slice(
    wide,
    axes.map(() => 0),
    kernel,
    axes,
  );
  return b.reshape(b.transpose(exact, [1, 0, ...axes]), [m, c, ...kernel]);
}

/** One filter a channel: each channel of each sample is its own group. */
function depthwise(
  b: Builder,
  g: string,
  x: string,
  batch: number,
  s: Geometry,
): string {
  const [m = 1, , ...kernel] = s.weight;
  const axes = kernel.map((_, i) => i + 2);
  const wide = b.op(
    "Conv",
    [
      b.reshape(x, [1, batch * m, ...s.input]),
      b.reshape(g, [batch * m, 1, ...s.output]),
    ],
    {
      strides: ints(s.dilations),
      dilations: ints(s.strides),
      pads: ints([...s.padsBegin, ...s.padsEnd]),
      group: int(batch * m),
    },
  );
  const exact = b.slice(
    wide,
    axes.map(() => 0),
    kernel,
    axes,
  );
  return b.reduceSum(b.reshape(exact, [batch, m, 1, ...kernel]), [0]);
}

/** A 1x1 kernel over large images: one product a sample, then their sum. */
function perSample(b: Builder, g: string, x: string, s: Geometry): string {
  const [m = 1, c = 1] = s.weight;
  const pixels = b.reshape(x, [0, c, -1]);
  const products = b.matmul(b.reshape(g, [0, m, -1]), b.transposeLast(pixels));
  return b.reshape(b.reduceSum(products, [0]), s.weight);
}

/**
 * For each tap of the kernel, the pixels that it sees of all samples, multiplied
 * by the gradient in one product. Channels come last, so that a shifted copy of
 * the input is one of whole rows.
 */
function byTaps(b: Builder, g: string, x: string, s: Geometry): string {
  const [m = 1, c = 1, height = 1, width = 1] = s.weight;
  const padded = b.pad(
    b.transpose(x, [0, 2, 3, 1]),
    [0, ...s.padsBegin, 0],
    [0, ...s.padsEnd, 0],
  );
  const pixels = b.reshape(b.transpose(g, [1, 0, 2, 3]), [m, -1]);
  const taps: string[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const start = [i * (s.dilations[0] ?? 1), j * (s.dilations[1] ?? 1)];
      const end = start.map(
        (from, k) => from + ((s.output[k] ?? 1) - 1) * (s.strides[k] ?? 1) + 1,
      );
      const seen = b.slice(padded, start, end, [1, 2], s.strides);
      taps.push(b.matmul(pixels, b.reshape(seen, [-1, c])));
    }
  }
  const rows = b.reshape(b.concat(taps, 1), [m, height, width, c]);
  return b.transpose(rows, [0, 3, 1, 2]);
}

/**
 * Transposed convolution: what goes back is the convolution that it is the
 * transpose of, so both change places in the formula of the weights.
 */
const convTranspose: Rule = (context) => {
  const { b, node, inputs, x, y: w, out, g } = context;
  const weight = fixed(b.dims(w));
  const small = fixed(b.rankedDims(x).slice(2));
  const large = fixed(b.rankedDims(out).slice(2));
  if (!weight || !small || !large) {
    throw unsupported(
      node,
      "the image size or the kernel size is not known",
      "State the input shape in the suite, or export the model with a fixed image size.",
    );
  }
  const { pads: _pads, auto_pad: _auto, ...rest } = node.attributes;
  const window = windowOf(
    { ...node, attributes: rest },
    small,
    weight.slice(2),
  );
  const [begin, end] = transposedPads(node, window, small, large);
  // What was cropped away by padding less than nothing is no part of the output.
  const whole = b.pad(
    g,
    [0, 0, ...begin.map((p) => Math.max(-p, 0))].map((p) => -p),
    [0, 0, ...end.map((p) => Math.max(-p, 0))].map((p) => -p),
  );
  const geometry: Geometry = {
    ...window,
    padsBegin: begin.map((p) => Math.max(p, 0)),
    padsEnd: end.map((p) => Math.max(p, 0)),
    groups: attribute(node, "group", "int", 1),
    weight,
    input: large.map(
      (l, i) => l + Math.min(begin[i] ?? 0, 0) + Math.min(end[i] ?? 0, 0),
    ),
    output: small,
  };
  const spatialAxes = small.map((_, i) => i + 2);
  const back = () => {
    const wide = b.op("Conv", [whole, w], {
      kernel_shape: ints(weight.slice(2)),
      strides: ints(geometry.strides),
      dilations: ints(geometry.dilations),
      pads: ints([...geometry.padsBegin, ...geometry.padsEnd]),
      group: int(geometry.groups),
    });
    const zeros = spatialAxes.map(() => 0);
    return b.slice(wide, zeros, small, spatialAxes);
  };
  return [
    context.needs(0) ? back() : undefined,
    context.needs(1) ? weightGradient(b, x, whole, geometry) : undefined,
    inputs[2] ? b.reduceSum(g, [0, ...spatialAxes]) : undefined,
  ];
};

/**
 * The pads of a transposed convolution, also where only the size of its
 * output is stated.
 */
function transposedPads(
  node: RuleContext["node"],
  window: Window,
  small: readonly number[],
  large: readonly number[],
): [number[], number[]] {
  const auto = attribute(node, "auto_pad", "string", "NOTSET");
  const fills =
    auto.startsWith("SAME") ||
    attribute(node, "output_shape", "ints", []).length > 0;
  const stated = attribute(node, "pads", "ints", undefined);
  if (!fills) {
    const pads =
      auto === "VALID" || !stated ? small.concat(small).map(() => 0) : stated;
    return [pads.slice(0, small.length), pads.slice(small.length)];
  }
  const extra = attribute(node, "output_padding", "ints", []);
  const totals = small.map((length, i) =>
    Math.max(
      0,
      (window.strides[i] ?? 1) * (length - 1) +
        (extra[i] ?? 0) +
        ((window.kernel[i] ?? 1) - 1) * (window.dilations[i] ?? 1) +
        1 -
        (large[i] ?? 0),
    ),
  );
  const first = totals.map((t) =>
    auto === "SAME_UPPER" ? Math.floor(t / 2) : Math.ceil(t / 2),
  );
  return [first, totals.map((t, i) => t - (first[i] ?? 0))];
}

export const convolution: RuleTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
};
