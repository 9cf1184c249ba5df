import { attribute, fixed, int, ints, type Window, windowOf } from "#onnx";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";
import { channelSums } from "./channel-sums.ts";
import { foldedProduct, isTiny } from "./folded-product.ts";
import { type Geometry, isPoint } from "./geometry.ts";
import { reversal, weightGradient } from "./weight-gradient.ts";

type Builder = RuleContext["b"];

/**
 * Convolution. Several formulas are exact; which one is fastest depends on the
 * shape, and the choice follows the measurements in docs/performance.md.
 */
const conv: Rule = (context) => {
  const { b, node, inputs, x, y: w, out, g, avoid } = context;
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
  return [
    context.needs(0) ? inputGradient(b, g, w, geometry) : undefined,
    context.needs(1) ? weightGradient(b, g, x, geometry, avoid) : undefined,
    inputs[2] ? channelSums(b, g) : undefined,
  ];
};

function inputGradient(b: Builder, g: string, w: string, s: Geometry): string {
  const [m = 1, channels = 1, ...kernel] = s.weight;
  // A weight that may change is turned by the product as it reads it. Of a constant
  // onnxruntime lays out the convolution for its fastest kernel.
  if (isPoint(s) && s.groups === 1 && !b.constantOf(w)) {
    const turned = b.transposeLast(b.reshape(w, [m, channels]));
    const pixels = s.output.reduce((p, d) => p * d, 1);
    const all = b.matmul(turned, b.reshape(g, [-1, m, pixels]));
    return b.reshape(all, [-1, channels, ...s.input]);
  }
  // A convolution into few channels pays for a whole block of them.
  const few =
    s.groups === 1 &&
    channels <= FEW &&
    kernel.length === 2 &&
    kernel.some((k) => k > 1);
  if (s.strides.every((stride) => stride === 1) && !few)
    return flippedConvolution(b, g, w, s);
  return isTiny(s) && !b.constantOf(w)
    ? foldedProduct(b, g, w, s)
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

/**
 * Transposed convolution: what goes back is the convolution that it is the
 * transpose of, so both change places in the formula of the weights.
 */
const convTranspose: Rule = (context) => {
  const { b, node, inputs, x, y: w, out, g, avoid } = context;
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
    context.needs(1) ? weightGradient(b, x, whole, geometry, avoid) : undefined,
    inputs[2] ? channelSums(b, g) : undefined,
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
