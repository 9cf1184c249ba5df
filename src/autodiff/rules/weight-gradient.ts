import { type Attributes, floats, int, ints } from "#onnx";
import { type Avoidable, MOST_THREADS, type RuleContext } from "../rule.ts";

import { depthwiseGradient } from "./depthwise-gradient.ts";
import { exchanged, type Geometry, isPoint } from "./geometry.ts";

type Builder = RuleContext["b"];

/**
 * The gradient of a convolution's weights, by the formula that is fastest for the shape
 * (docs/performance.md).
 */
export function weightGradient(
  b: Builder,
  g: string,
  x: string,
  s: Geometry,
  avoid: readonly Avoidable[],
): string {
  const [m = 1, c = 1, ...kernel] = s.weight;
  const asProduct = isPoint(s) && Math.min(m / s.groups, c) > 1;
  if (s.groups > 1) {
    const perChannel = c === 1 && m === s.groups && kernel.length === 2;
    const quick = perChannel ? depthwiseGradient(b, g, x, s) : undefined;
    if (quick !== undefined) return quick;
    return asProduct ? perSample(b, g, x, s) : swappedConvolution(b, g, x, s);
  }
  if (kernel.every((k) => k === 1)) {
    const pixels = s.output.reduce((p, d) => p * d, 1);
    if (asProduct && pixels * (m + c) >= m * c) return perSample(b, g, x, s);
    if (kernel.length === 2) return byTaps(b, g, x, s);
  }
  const byPlaces = avoid.includes("large kernels") && c > 4;
  if (s.dilations.at(-1) !== 1 || byPlaces)
    return kernel.length === 2
      ? byTaps(b, g, x, s)
      : swappedConvolution(b, g, x, s);
  const exchangeable =
    [...s.strides, ...s.dilations].every((step) => step === 1) &&
    kernel.every(
      (k, i) => (s.padsBegin[i] ?? 0) < k && (s.padsEnd[i] ?? 0) < k,
    );
  const taps = kernel.reduce((p, k) => p * k, 1);
  if (m < c && exchangeable && isSteady(c, taps * m))
    return slidingGradient(b, g, x, s);
  if (isSteady(m, taps * c) || kernel.length !== 2)
    return slidingInput(b, g, x, s);
  const row = (kernel[1] ?? 1) * c;
  const rows = Math.floor(Math.max(SHARE, m - 1) / row);
  return rows > 0 && row > 1 ? byRows(b, g, x, s, rows) : byTaps(b, g, x, s);
}

/** Numbers of threads that have to give the same bits, as training has them. */
const THREADS = Array.from({ length: MOST_THREADS }, (_, i) => i + 1);

/** Pixels that a thread has at least. */
const SHARE = 16;

/**
 * Whether onnxruntime rounds a convolution of one image alike with any of these numbers
 * of threads. They share out its pixels, 16 at least; whoever has 64 or fewer sums over
 * more products before it adds them to the others. With more filters than pixels the
 * filters are shared out, which changes no sum.
 */
function isSteady(filters: number, pixels: number): boolean {
  if (filters > pixels || pixels <= SHARE)
    // What has one column is summed by another kernel, which is not steady.
    return pixels > 1;
  return THREADS.every((threads) => {
    const share = SHARE * Math.ceil(pixels / threads / SHARE);
    const rest = pixels % share;
    return share > MOST_FEW && (rest === 0 || rest > MOST_FEW);
  });
}

/** Channels last, and one with the last axis: [1, N, ..., last * channels]. */
const inLines = (
  b: Builder,
  value: string,
  channels: number,
  sizes: readonly number[],
) =>
  b.reshape(b.transpose(value, [0, ...sizes.map((_, i) => i + 2), 1]), [
    1,
    -1,
    ...sizes.slice(0, -1),
    (sizes.at(-1) ?? 1) * channels,
  ]);

/** A list with its last number multiplied. */
const lastTimes = (values: readonly number[], factor: number) =>
  values.map((v, i) => (i === values.length - 1 ? v * factor : v));

/**
 * The input convolved with the gradient, all of it in one product: the samples are the
 * channels of one image, whose rows hold the input's pixels with their channels last. A
 * filter that has its columns so many places apart as there are channels meets one
 * channel of all pixels, and moved by one place the next channel.
 */
function slidingInput(b: Builder, g: string, x: string, s: Geometry): string {
  const [m = 1, c = 1, ...kernel] = s.weight;
  const needed = kernel.map(
    (k, i) =>
      ((s.output[i] ?? 1) - 1) * (s.strides[i] ?? 1) +
      (k - 1) * (s.dilations[i] ?? 1) +
      1,
  );
  const begin = kernel.map((_, i) => s.padsBegin[i] ?? 0);
  const reached = kernel.map((_, i) => (s.input[i] ?? 1) + (begin[i] ?? 0));
  const end = needed.map((n, i) => Math.max(0, n - (reached[i] ?? 0)));
  const axes = kernel.map((_, i) => i + 2);
  const seen = needed.map((n, i) => n - (begin[i] ?? 0));
  // A stride that leaves a remainder does not reach the end of the image.
  const isAll = seen.every((n, i) => n >= (s.input[i] ?? 1));
  const sizes = s.input.map((size, i) => Math.min(size, seen[i] ?? size));
  const image = isAll
    ? x
    : b.slice(
        x,
        axes.map(() => 0),
        sizes,
        axes,
      );
  const exact = b.op(
    "Conv",
    [inLines(b, image, c, sizes), exchanged(b, g, kernel)],
    {
      kernel_shape: ints(s.output),
      strides: ints(s.dilations),
      dilations: ints(lastTimes(s.strides, c)),
      pads: ints([...lastTimes(begin, c), ...lastTimes(end, c)]),
    },
  );
  const rows = b.reshape(exact, [m, ...kernel, c]);
  return b.transpose(rows, [
    0,
    kernel.length + 1,
    ...kernel.map((_, i) => i + 1),
  ]);
}

/** The same so many rows of the kernel at a time, which have few pixels. */
function byRows(
  b: Builder,
  g: string,
  x: string,
  s: Geometry,
  atOnce: number,
): string {
  const [m = 1, c = 1, height = 1, width = 1] = s.weight;
  const [[down = 1, across = 1], [step = 1, stride = 1]] = [
    s.output,
    s.strides,
  ];
  const [dilation = 1] = s.dilations;
  const padded = b.pad(
    inLines(b, x, c, s.input),
    [0, 0, s.padsBegin[0] ?? 0, (s.padsBegin[1] ?? 0) * c],
    [0, 0, s.padsEnd[0] ?? 0, (s.padsEnd[1] ?? 0) * c],
  );
  const filters = exchanged(b, g, [1, 1]);
  const parts: string[] = [];
  for (let row = 0; row < height; row += atOnce) {
    const last = Math.min(row + atOnce, height) - 1;
    const seen = b.slice(
      padded,
      [row * dilation, 0],
      [
        last * dilation + (down - 1) * step + 1,
        ((across - 1) * stride + width) * c,
      ],
      [2, 3],
    );
    const part = b.op("Conv", [seen, filters], {
      kernel_shape: ints(s.output),
      strides: ints([dilation, 1]),
      dilations: ints([step, stride * c]),
    });
    parts.push(part);
  }
  const all = b.reshape(b.concat(parts, 2), [m, height, width, c]);
  return b.transpose(all, [0, 3, 1, 2]);
}

/**
 * The same with the gradient's pixels in rows and the input as the filter, which moves
 * fewer numbers where there are fewer outputs than channels. Taps come in reverse.
 */
function slidingGradient(
  b: Builder,
  g: string,
  x: string,
  s: Geometry,
): string {
  const [m = 1, c = 1, ...kernel] = s.weight;
  const taps = kernel.reduce((p, k) => p * k, 1);
  const before = kernel.map((k, i) => k - 1 - (s.padsBegin[i] ?? 0));
  const after = kernel.map((k, i) => k - 1 - (s.padsEnd[i] ?? 0));
  const wide = b.op(
    "Conv",
    [inLines(b, g, m, s.output), exchanged(b, x, kernel)],
    {
      kernel_shape: ints(s.input),
      dilations: ints(lastTimes(s.strides, m)),
      pads: ints([...lastTimes(before, m), ...lastTimes(after, m)]),
    },
  );
  const reversed = b.transpose(b.reshape(wide, [c, taps, m]), [2, 0, 1]);
  return b.reshape(b.matmul(reversed, reversal(b, taps)), s.weight);
}

/**
 * The matrix that reverses a row. A product with it takes half the time of a slice
 * with negative steps.
 */
export const reversal = (b: Builder, length: number) =>
  b.constant(
    floats(
      [length, length],
      Float32Array.from({ length: length ** 2 }, (_, i) =>
        (i % length) + Math.floor(i / length) === length - 1 ? 1 : 0,
      ),
    ),
  );

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

// onnxruntime shares a product out among threads by its rows where they are the most,
// and by columns otherwise. A thread that has few columns rounds otherwise than one
// with many, so that the longer side becomes the rows where a share is small.

/** Whether a product is the same bits with any number of threads of training. */
function isSteadyProduct(rows: number, columns: number): boolean {
  const share = SHARE * Math.floor(columns / SHARE / MOST_THREADS);
  return rows >= columns || share > MOST_FEW;
}

/** Columns up to which a thread sums over more products at once. */
const MOST_FEW = 64;

/** A 1x1 kernel over large images: a product a sample and group, then their sum. */
function perSample(b: Builder, g: string, x: string, s: Geometry): string {
  const [outputs = 1, c = 1] = s.weight;
  const m = outputs / s.groups;
  const pixels = s.output.reduce((p, d) => p * d, 1);
  const all = [
    b.reshape(g, [-1, m, pixels]),
    b.reshape(x, [-1, c, pixels]),
  ] as const;
  const inRows = isSteadyProduct(m, c);
  const [rows, columns] = inRows ? all : [all[1], all[0]];
  const products = b.matmul(rows, b.transposeLast(columns));
  const sizes = inRows ? [m, c] : [c, m];
  const sum = b.reduceSum(b.reshape(products, [-1, s.groups, ...sizes]), [0]);
  return b.reshape(inRows ? sum : b.transposeLast(sum), s.weight);
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
  const inRows = isSteadyProduct(m, c);
  const isOnePixel = s.output.every((size) => size === 1);
  const gradients =
    inRows && !isOnePixel
      ? b.reshape(b.transpose(g, [1, 0, 2, 3]), [m, -1])
      : b.reshape(b.transpose(g, [0, 2, 3, 1]), [-1, m]);
  const tapOf = (seen: string) => {
    if (Math.min(m, c) === 1) {
      const both = b.mul(g, b.transpose(seen, [0, 3, 1, 2]));
      return b.reshape(b.reduceSum(both, [0, 2, 3]), inRows ? [m, c] : [c, m]);
    }
    const pixels = b.reshape(seen, [-1, c]);
    if (!inRows) return b.matmul(b.transposeLast(pixels), gradients);
    const rows = isOnePixel ? b.transposeLast(gradients) : gradients;
    return b.matmul(rows, pixels);
  };
  const taps: string[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const start = [i * (s.dilations[0] ?? 1), j * (s.dilations[1] ?? 1)];
      const end = start.map(
        (from, k) => from + ((s.output[k] ?? 1) - 1) * (s.strides[k] ?? 1) + 1,
      );
      const seen = isPoint(s)
        ? padded
        : b.slice(padded, start, end, [1, 2], s.strides);
      taps.push(tapOf(seen));
    }
  }
  // Where channels are the rows, one tap stands below the other: [taps * c, m].
  return inRows
    ? b.transpose(
        b.reshape(b.concat(taps, 1), [m, height, width, c]),
        [0, 3, 1, 2],
      )
    : b.transpose(
        b.reshape(b.concat(taps, 0), [height, width, c, m]),
        [3, 2, 0, 1],
      );
}
