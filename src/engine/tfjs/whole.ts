import { axisOf, type DataType, sizeOf } from "#onnx";
import {
  cannotRun,
  coordinates,
  type KernelContext,
  range,
  stridesOf,
  type TfTensor,
} from "./kernel.ts";
import { wholeTensor } from "./values.ts";

/**
 * Arithmetic of integers, in JavaScript: exact, and with an error where a result
 * does not fit, which TensorFlow.js would wrap without a word. Shapes are computed
 * so. Images are not.
 */

/** Whether a node calculates with integers. */
export const isWhole = (type: DataType | undefined) =>
  type !== undefined && /^u?int/.test(type);

/** The first output from numbers. */
export const wholeOutput = (
  c: KernelContext,
  values: readonly number[],
  dims: readonly number[],
): TfTensor =>
  wholeTensor(c.tf, values, dims, c.outTypes[0]!, c.node.outputs[0]!);

/** The NumPy broadcast of shapes. Throws ENGINE_RUN where they do not fit. */
export function broadcastShape(
  c: KernelContext,
  ...shapes: readonly (readonly number[])[]
): number[] {
  const rank = Math.max(...shapes.map((s) => s.length));
  return range(rank).map((i) => {
    const sizes = shapes.map((s) => s[i - rank + s.length] ?? 1);
    const size = sizes.find((d) => d !== 1) ?? 1;
    if (sizes.every((d) => d === 1 || d === size)) return size;
    throw cannotRun(
      c.node,
      `shapes ${shapes.map((s) => `[${s.join(", ")}]`).join(" and ")} do not fit`,
    );
  });
}

/** Elementwise, with broadcasting. */
export function mapWhole(
  c: KernelContext,
  f: (...values: number[]) => number,
): TfTensor {
  const parts = c.x.filter((t) => t !== undefined);
  const dims = broadcastShape(c, ...parts.map((t) => t.shape));
  const strides = stridesOf(dims);
  const sources = parts.map((t) => {
    const own = stridesOf(t.shape);
    const lead = dims.length - t.shape.length;
    return {
      data: t.dataSync(),
      steps: dims.map((_, i) =>
        i < lead || t.shape[i - lead] === 1 ? 0 : own[i - lead]!,
      ),
    };
  });
  const values = range(sizeOf(dims)).map((at) => {
    const place = coordinates(at, strides);
    return f(
      ...sources.map(
        ({ data, steps }) =>
          data[place.reduce((s, p, i) => s + p * steps[i]!, 0)] ?? 0,
      ),
    );
  });
  return wholeOutput(c, values, dims);
}

/** Over axes of the first input. */
export function reduceWhole(
  c: KernelContext,
  axes: readonly number[],
  keep: boolean,
  f: (values: number[]) => number,
): TfTensor {
  const x = c.x[0]!;
  const data = x.dataSync();
  const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  const strides = stridesOf(x.shape);
  const target = stridesOf(kept);
  const groups = range(sizeOf(kept)).map((): number[] => []);
  data.forEach((value, at) => {
    const place = coordinates(at, strides);
    const to = place.reduce(
      (s, p, i) => s + (axes.includes(i) ? 0 : p * target[i]!),
      0,
    );
    groups[to]?.push(value);
  });
  const dims = keep ? kept : x.shape.filter((_, i) => !axes.includes(i));
  return wholeOutput(c, groups.map(f), dims);
}

/** For each line of a shape along an axis, the positions of its elements. */
export function linesAlong(
  dims: readonly number[],
  axis: number,
): { positions: number[]; first: number }[] {
  const at = axisOf(axis, dims.length);
  const strides = stridesOf(dims);
  const step = strides[at] ?? 1;
  const length = dims[at] ?? 1;
  const lines: { positions: number[]; first: number }[] = [];
  for (let first = 0; first < sizeOf(dims); first++) {
    if (Math.floor(first / step) % length !== 0) continue;
    lines.push({
      first,
      positions: range(length).map((i) => first + i * step),
    });
  }
  return lines;
}
