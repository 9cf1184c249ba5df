import { floats } from "#onnx";
import type { RuleContext } from "../rule.ts";
import { distances, exchanged, type Geometry } from "./geometry.ts";

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
  const [, width = 1] = s.input;
  const strided = s.strides.some((stride) => stride > 1);
  return width <= (strided ? MOST_STRIDED : MOST_COLUMNS)
    ? byColumns(b, g, x, s)
    : undefined;
}

/** Columns of the input, at stride 1 and above it. */
const MOST_COLUMNS = 32;
const MOST_STRIDED = 16;

/**
 * For each channel and row of the kernel the products of all columns of the input with
 * all of the gradient, summed over samples and rows in one product; then the sums over
 * the pairs that are a tap apart.
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
