import { attribute, type Window, windowOf } from "#onnx";
import {
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  partsOf,
  range,
  type TensorFlow,
  type TfTensor,
} from "../kernel.ts";
import { padded } from "./padding.ts";

type T = TfTensor;

/**
 * TensorFlow.js convolves images with channels last, so channels move there and
 * back; images of one dimension are one pixel wide. Padding is done before,
 * since ONNX pads each side by itself, and dilated kernels are written out with
 * zeros: their gradient does not exist otherwise.
 */

/** Channels last, [N, ...spatial, C], with two spatial axes at least. */
const channelsLast = (tf: TensorFlow, x: T): T => {
  const rank = x.shape.length;
  const last = tf.transpose(x, [0, ...range(rank - 2, 2), 1]);
  return rank === 3 ? tf.expandDims(last, 2) : last;
};

const channelsFirst = (tf: TensorFlow, y: T, rank: number): T => {
  const last = rank === 3 ? tf.squeeze(y, [2]) : y;
  return tf.transpose(last, [0, rank - 1, ...range(rank - 2, 1)]);
};

/** Zeros between the elements of an axis. */
export function spaced(tf: TensorFlow, x: T, axis: number, step: number): T {
  if (step === 1) return x;
  const length = x.shape[axis] ?? 1;
  const wide = tf.expandDims(x, axis + 1);
  const pads = wide.shape.map((_, i): [number, number] => [
    0,
    i === axis + 1 ? step - 1 : 0,
  ]);
  const joined = tf.reshape(
    tf.pad(wide, pads),
    x.shape.map((d, i) => (i === axis ? d * step : d)),
  );
  const begin = x.shape.map(() => 0);
  const size = joined.shape.map((d, i) =>
    i === axis ? (length - 1) * step + 1 : d,
  );
  return tf.slice(joined, begin, size);
}

const dilated = (tf: TensorFlow, w: T, dilations: readonly number[]) =>
  dilations.reduce((k, d, i) => spaced(tf, k, i + 2, d), w);

/**
 * The kernel [M, C / groups, ...k] as [...k, C / groups, M], or with the last two
 * as `order` says.
 */
const kernelLast = (tf: TensorFlow, w: T, order: [number, number]): T => {
  const rank = w.shape.length;
  const last = tf.transpose(w, [...range(rank - 2, 2), ...order]);
  return rank === 3 ? tf.expandDims(last, 1) : last;
};

/** A convolution by no padding and no dilation, of one group. */
function plain(tf: TensorFlow, x: T, w: T, strides: readonly number[]): T {
  const rank = x.shape.length;
  const image = channelsLast(tf, x);
  const kernel = kernelLast(tf, w, [1, 0]);
  const y =
    rank === 5
      ? tf.conv3d(
          image as never,
          kernel as never,
          strides as [number, number, number],
          "valid",
        )
      : tf.conv2d(
          image as never,
          kernel as never,
          [strides[0] ?? 1, strides[1] ?? 1],
          "valid",
        );
  return channelsFirst(tf, y as T, rank);
}

/** Each channel by its own kernels. */
function depthwise(tf: TensorFlow, x: T, w: T, strides: readonly number[]): T {
  const rank = x.shape.length;
  const channels = x.shape[1] ?? 1;
  const [m = 1, , ...k] = w.shape;
  const each = tf.reshape(w, [channels, m / channels, ...k]);
  const y = tf.depthwiseConv2d(
    channelsLast(tf, x) as never,
    kernelLast(tf, each, [0, 1]) as never,
    [strides[0] ?? 1, strides[1] ?? strides[0] ?? 1],
    "valid",
  );
  return channelsFirst(tf, y as T, rank);
}

/** A convolution of padded x with a kernel that is written out. */
export function convolve(
  tf: TensorFlow,
  x: T,
  w: T,
  strides: readonly number[],
  groups: number,
): T {
  if (groups === 1) return plain(tf, x, w, strides);
  const even = new Set(strides).size === 1;
  if (w.shape[1] === 1 && x.shape.length < 5 && even)
    return depthwise(tf, x, w, strides);
  const images = partsOf(tf, x, groups, 1);
  const kernels = partsOf(tf, w, groups, 0);
  return tf.concat(
    images.map((image, i) => plain(tf, image, kernels[i]!, strides)),
    1,
  );
}

const withBias = (c: KernelContext, y: T, bias: T | undefined) =>
  bias
    ? c.tf.add(y, c.tf.reshape(bias, [1, -1, ...y.shape.slice(2).map(() => 1)]))
    : y;

const spatial = (pads: readonly number[]) => [0, 0, ...pads];

/** x, padded as the window says. */
export function paddedBy(tf: TensorFlow, x: T, window: Window): T {
  const { padsBegin, padsEnd } = window;
  return padded(tf, x, spatial(padsBegin), spatial(padsEnd), undefined);
}

const conv: Kernel = (c) => {
  const { tf, node } = c;
  const [x, w] = [input(c, 0), input(c, 1)];
  const window = windowOf(node, x.shape.slice(2), w.shape.slice(2));
  const y = convolve(
    tf,
    paddedBy(tf, x, window),
    dilated(tf, w, window.dilations),
    window.strides,
    attribute(node, "group", "int", 1),
  );
  return withBias(c, y, c.x[2]);
};

/** Everything that a kernel reaches from x, before anything is cut off. */
function spreadOut(tf: TensorFlow, x: T, w: T, strides: readonly number[]): T {
  const rank = x.shape.length;
  const [, out = 1, ...k] = w.shape;
  if (rank === 5) {
    // Its transposed convolution has no gradient in three dimensions.
    const wide = strides.reduce((y, s, i) => spaced(tf, y, i + 2, s), x);
    const reach = spatial(k.map((size) => size - 1));
    const flipped = tf.reverse(tf.transpose(w, [1, 0, 2, 3, 4]), [2, 3, 4]);
    return plain(
      tf,
      padded(tf, wide, reach, reach, undefined),
      flipped,
      [1, 1, 1],
    );
  }
  const image = channelsLast(tf, x);
  const [n = 1, h = 1, width = 1] = image.shape;
  const [sh = 1, sw = 1] = strides;
  const y = tf.conv2dTranspose(
    image as never,
    kernelLast(tf, w, [1, 0]) as never,
    [n, (h - 1) * sh + (k[0] ?? 1), (width - 1) * sw + (k[1] ?? 1), out],
    [sh, sw],
    "valid",
  );
  return channelsFirst(tf, y as T, rank);
}

/** What is cut off at both ends, by the attributes that may state it in three ways. */
function cuts(c: KernelContext, x: T, w: T, window: Window) {
  const { node } = c;
  const { strides, dilations } = window;
  const auto = attribute(node, "auto_pad", "string", "NOTSET");
  const stated = attribute(node, "output_shape", "ints", undefined);
  const extra = attribute(node, "output_padding", "ints", []);
  const lengths = x.shape.slice(2);
  return lengths.map((length, i) => {
    const stride = strides[i] ?? 1;
    const more = extra[i] ?? 0;
    const kernel = ((w.shape[i + 2] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
    const wanted =
      stated?.[stated.length - lengths.length + i] ??
      (auto.startsWith("SAME") ? length * stride : undefined);
    if (wanted === undefined)
      return {
        begin: window.padsBegin[i] ?? 0,
        end: (window.padsEnd[i] ?? 0) - more,
      };
    // onnxruntime adds nothing for automatic padding, and for a stated size at the end.
    const missing = stride * (length - 1) + more + kernel - wanted;
    const total = Math.max(0, missing);
    const half = Math.floor(total / 2);
    const begin = auto === "SAME_UPPER" ? half : total - half;
    return { begin, end: (stated ? missing : total) - begin - more };
  });
}

const convTranspose: Kernel = (c) => {
  const { tf, node } = c;
  const [x, w] = [input(c, 0), input(c, 1)];
  const groups = attribute(node, "group", "int", 1);
  const { auto_pad: _, ...explicit } = node.attributes;
  const window = windowOf(
    { ...node, attributes: explicit },
    x.shape.slice(2),
    w.shape.slice(2),
  );
  const kernel = dilated(tf, w, window.dilations);
  const kernels = partsOf(tf, kernel, groups, 0);
  const images = partsOf(tf, x, groups, 1);
  const full = tf.concat(
    images.map((image, i) => spreadOut(tf, image, kernels[i]!, window.strides)),
    1,
  );
  const cut = cuts(c, x, w, window);
  const y = padded(
    tf,
    full,
    spatial(cut.map(({ begin }) => -begin)),
    spatial(cut.map(({ end }) => -end)),
    undefined,
  );
  return withBias(c, y, c.x[2]);
};

export const convolution: KernelTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
};
