import { attribute, axisOf, resizingMap } from "#onnx";
import {
  input,
  type Kernel,
  type KernelContext,
  type KernelTable,
  range,
  type TfTensor,
} from "../kernel.ts";
import { product } from "./matrix.ts";

const f32 = Math.fround;

/** The numbers of an optional input that may be there and empty. */
const given = (c: KernelContext, index: number): number[] | undefined => {
  const found = c.x[index];
  return found && found.size > 0 ? Array.from(found.dataSync()) : undefined;
};

/**
 * Resizing is a linear map along each axis: what it is made of is a matrix, which
 * multiplies that axis.
 */
const resize: Kernel = (c) => {
  const { tf, node } = c;
  const x = input(c, 0);
  const axes = (
    attribute(node, "axes", "ints", undefined) ?? range(x.shape.length)
  ).map((a) => axisOf(a, x.shape.length));
  const stated = given(c, 2);
  const regions =
    attribute(node, "coordinate_transformation_mode", "string", "") ===
    "tf_crop_and_resize"
      ? given(c, 1)
      : undefined;
  const targets = targetsOf(c, x, axes, stated, given(c, 3));
  return axes.reduce(
    (y, axis, i) => {
      const from = x.shape[axis] ?? 1;
      const { to, scale } = targets[i]!;
      if (from === to && scale === 1 && !regions) return y;
      const crop = [
        regions?.[i] ?? 0,
        regions?.[i + axes.length] ?? 1,
      ] as const;
      const map = resizingMap(node, { from, to, scale, crop });
      return along(c, y, axis, tf.tensor2d(map.data, [to, from]));
    },
    outside(c, x, regions),
  );
};

/** Outside of a region is a constant, which is 0 here. */
function outside(
  c: KernelContext,
  x: TfTensor,
  regions: readonly number[] | undefined,
): TfTensor {
  const value = attribute(c.node, "extrapolation_value", "float", 0);
  if (regions && value !== 0)
    throw new Error(`an extrapolation_value of ${value} is not supported`);
  return c.tf.clone(x);
}

/** The size of each axis afterwards, and its scale. */
function targetsOf(
  c: KernelContext,
  x: TfTensor,
  axes: readonly number[],
  scales: readonly number[] | undefined,
  sizes: readonly number[] | undefined,
): { to: number; scale: number }[] {
  const lengths = axes.map((a) => x.shape[a] ?? 1);
  if (scales)
    return lengths.map((from, i) => {
      const scale = scales[i] ?? 1;
      return { to: Math.floor(f32(from * scale)), scale };
    });
  const wanted = sizes ?? lengths;
  const ratios = wanted.map((size, i) => f32(size / lengths[i]!));
  const policy = attribute(
    c.node,
    "keep_aspect_ratio_policy",
    "string",
    "stretch",
  );
  if (policy === "stretch")
    return wanted.map((to, i) => ({ to, scale: ratios[i]! }));
  const scale =
    policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  return lengths.map((from) => ({ to: Math.round(scale * from), scale }));
}

/** A matrix [outputs, inputs] applied to one axis. */
function along(
  c: KernelContext,
  x: TfTensor,
  axis: number,
  map: TfTensor,
): TfTensor {
  const { tf } = c;
  const order = range(x.shape.length);
  const last = order.length - 1;
  order[axis] = last;
  order[last] = axis;
  return tf.transpose(
    product(c, tf.transpose(x, order), tf.transpose(map)),
    order,
  );
}

export const resampling: KernelTable = { Resize: resize };
