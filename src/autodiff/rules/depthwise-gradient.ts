import { floats } from "#onnx";
import type { RuleContext } from "../rule.ts";
import { exchanged, type Geometry } from "./geometry.ts";

type Builder = RuleContext["b"];

/**
 * The gradient of the weights of a convolution with one filter a channel; undefined
 * where images are so large that a convolution gives it sooner.
 */
export function depthwiseGradient(
  b: Builder,
  g: string,
  x: string,
  s: Geometry,
): string | undefined {
  const [height = 1, width = 1] = s.input;
  const pixels = height * width * (s.output[0] ?? 1) * (s.output[1] ?? 1);
  if (pixels <= MOST_PAIRS) return byPixels(b, g, x, s);
  const strided = s.strides.some((stride) => stride > 1);
  return width <= (strided ? MOST_STRIDED : MOST_COLUMNS)
    ? byColumns(b, g, x, s)
    : undefined;
}

/** Pairs of a pixel of the input and one of the output: those of images of 8 x 8. */
const MOST_PAIRS = 4096;
/** Columns of the input, at stride 1 and above it. */
const MOST_COLUMNS = 32;
const MOST_STRIDED = 16;

/**
 * For each channel the products of all pixels of the input with all of the gradient,
 * summed over the samples in one product; then the sums over the pairs that are a tap
 * apart.
 */
function byPixels(b: Builder, g: string, x: string, s: Geometry): string {
  const [m = 1, , ...kernel] = s.weight;
  const [taps, inputs, outputs] = [kernel, s.input, s.output].map((sizes) =>
    sizes.reduce((p, d) => p * d, 1),
  ) as [number, number, number];
  const [rows, columns] = [0, 1].map((axis) => distances(s, axis)) as [
    Distance,
    Distance,
  ];
  const [[, width = 1], [, across = 1], [, reach = 1]] = [
    s.input,
    s.output,
    kernel,
  ] as const;
  const pairs = new Float32Array(inputs * outputs * taps);
  for (let i = 0; i < inputs; i++)
    for (let o = 0; o < outputs; o++) {
      const row = rows(Math.floor(i / width), Math.floor(o / across));
      const column = columns(i % width, o % across);
      if (row !== undefined && column !== undefined)
        pairs[(i * outputs + o) * taps + row * reach + column] = 1;
    }
  const products = b.matmul(
    b.transpose(b.reshape(x, [-1, m, inputs]), [1, 2, 0]),
    b.transpose(b.reshape(g, [-1, m, outputs]), [1, 0, 2]),
  );
  const sums = b.matmul(
    b.reshape(products, [m, inputs * outputs]),
    b.constant(floats([inputs * outputs, taps], pairs)),
  );
  return b.reshape(sums, s.weight);
}

/**
 * The same of columns, for each row of the kernel: products of all columns of the
 * input with all of the gradient, summed over samples and rows.
 */
function byColumns(b: Builder, g: string, x: string, s: Geometry): string {
  const [m = 1, , height = 1, reach = 1] = s.weight;
  const [[, width = 1], [down = 1, across = 1]] = [s.input, s.output] as const;
  const [step = 1] = s.strides;
  const [dilation = 1] = s.dilations;
  const tap = distances(s, 1);
  const pairs = new Float32Array(width * across * reach);
  for (let i = 0; i < width; i++)
    for (let o = 0; o < across; o++) {
      const column = tap(i, o);
      if (column !== undefined) pairs[(i * across + o) * reach + column] = 1;
    }
  const along = b.constant(floats([width * across, reach], pairs));
  const gradient = b.reshape(exchanged(b, g, [1, 1]), [m, -1, across]);
  const [before = 0] = s.padsBegin;
  const last = (down - 1) * step + (height - 1) * dilation + 1;
  const after = Math.max(0, last - before - (s.input[0] ?? 1));
  const images = b.pad(
    exchanged(b, x, [1, 1]),
    [0, 0, before, 0],
    [0, 0, after, 0],
  );
  const rows = Array.from({ length: height }, (_, i) => {
    const from = i * dilation;
    const seen = b.slice(
      images,
      [from],
      [from + (down - 1) * step + 1],
      [2],
      [step],
    );
    const columns = b.transposeLast(b.reshape(seen, [m, -1, width]));
    return b.matmul(b.reshape(b.matmul(columns, gradient), [m, -1]), along);
  });
  return b.reshape(b.concat(rows, 1), s.weight);
}

/** Which tap, if any, lets a place of the output see one of the input, on an axis. */
type Distance = (input: number, output: number) => number | undefined;

function distances(s: Geometry, axis: number): Distance {
  const [stride, before, dilation, kernel] = [
    s.strides[axis] ?? 1,
    s.padsBegin[axis] ?? 0,
    s.dilations[axis] ?? 1,
    s.weight[axis + 2] ?? 1,
  ];
  return (input, output) => {
    const tap = (input - output * stride + before) / dilation;
    return Number.isInteger(tap) && tap >= 0 && tap < kernel ? tap : undefined;
  };
}
