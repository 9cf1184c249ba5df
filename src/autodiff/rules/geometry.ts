import { sizeOf, type Window } from "#onnx";
import type { RuleContext } from "../rule.ts";

/** Everything the formulas of a gradient need of one convolution. */
export interface Geometry extends Window {
  readonly groups: number;
  /** Weight dims: [M, C / groups, ...kernel]. */
  readonly weight: readonly number[];
  /** Spatial sizes of the input and of the output. */
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Whether a kernel sees one pixel, and each pixel once. */
export const isPoint = (s: Geometry) =>
  [...s.weight.slice(2), ...s.strides].every((size) => size === 1) &&
  [...s.padsBegin, ...s.padsEnd].every((p) => p === 0);

/** Batch and channels exchanged. */
export const exchanged = (
  b: RuleContext["b"],
  value: string,
  sizes: readonly number[],
) => b.transpose(value, [1, 0, ...sizes.map((_, i) => i + 2)]);

/** Which tap, if any, lets a place of the output see one of the input, on an axis. */
type Distance = (input: number, output: number) => number | undefined;

export function distances(s: Geometry, axis: number): Distance {
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

/** Which tap sees which pixel of an image for which one of the output. */
export function* sights(s: Geometry) {
  const [, width = 1] = s.input;
  const [, across = 1] = s.output;
  const [row, column] = [distances(s, 0), distances(s, 1)];
  for (let input = 0; input < sizeOf(s.input); input++)
    for (let output = 0; output < sizeOf(s.output); output++) {
      const down = row(Math.floor(input / width), Math.floor(output / across));
      const along = column(input % width, output % across);
      if (down !== undefined && along !== undefined)
        yield { tap: down * (s.weight[3] ?? 1) + along, output, input };
    }
}
