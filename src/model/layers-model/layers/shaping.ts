import { z } from "zod";
import { floats, int, ints, string } from "#onnx";
import {
  channelsLast,
  configOf,
  type Importer,
  type ImporterTable,
  sizes,
  unsupported,
} from "../layer.ts";
import { padsOf } from "./convolution.ts";

const poolSettings = (rank: number) =>
  z.object({
    pool_size: sizes(rank).default(new Array<number>(rank).fill(2)),
    strides: sizes(rank).nullish(),
    padding: z.enum(["valid", "same"]).default("valid"),
    data_format: channelsLast,
  });

/** Padding never counts: neither in an average nor as a maximum. */
const pool =
  (op: string, rank: number): Importer =>
  (c) => {
    const { pool_size, strides, padding } = configOf(c, poolSettings(rank));
    const image = c.views.first(c.x);
    const steps = strides ?? pool_size;
    const y = c.b.op(op, [image], {
      kernel_shape: ints(pool_size),
      strides: ints(steps),
      ...padsOf(c, padding, image, pool_size, steps, []),
    });
    return c.views.last(y);
  };

/** Over all pixels, which may stay as axes of 1. */
const globalPool =
  (op: string): Importer =>
  (c) => {
    const { keepdims } = configOf(
      c,
      z.object({ data_format: channelsLast, keepdims: z.boolean().nullish() }),
    );
    const image = c.views.first(c.x);
    const rank = c.b.rankedDims(image).length;
    const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2);
    const y = c.b.op(op, [image, c.b.ints(axes)], {
      keepdims: int(keepdims ? 1 : 0),
    });
    return keepdims ? c.views.last(y) : y;
  };

const reshape: Importer = (c) => {
  const { target_shape } = configOf(
    c,
    z.object({
      target_shape: z.array(
        z
          .int()
          .nullable()
          .transform((d) => d ?? -1),
      ),
    }),
  );
  // A 0 keeps the batch.
  return c.b.reshape(c.x, [0, ...target_shape]);
};

const permute: Importer = (c) => {
  const { dims } = configOf(c, z.object({ dims: z.array(z.int().positive()) }));
  return c.b.transpose(c.x, [0, ...dims]);
};

const flatten: Importer = (c) => {
  configOf(c, z.object({ data_format: channelsLast }));
  const rank = c.b.rankedDims(c.x).length;
  return rank === 2 ? c.x : c.b.op("Flatten", [c.x], { axis: int(1) });
};

const pair = z.union([
  z.int().transform((p): [number, number] => [p, p]),
  z.tuple([z.int(), z.int()]),
]);
/** One number, one for each axis, or one for each end of each axis. */
const borders = z.union([
  z.int().transform((p) => [
    [p, p],
    [p, p],
  ]),
  z.tuple([pair, pair]),
]);

const zeroPadding: Importer = (c) => {
  const { padding } = configOf(
    c,
    z.object({ padding: borders, data_format: channelsLast }),
  );
  const [[top, bottom], [left, right]] = padding as [
    [number, number],
    [number, number],
  ];
  return c.views.last(
    c.b.pad(c.views.first(c.x), [0, 0, top, left], [0, 0, bottom, right]),
  );
};

const cropping: Importer = (c) => {
  const { cropping: crop } = configOf(
    c,
    z.object({ cropping: borders, data_format: channelsLast }),
  );
  const [[top, bottom], [left, right]] = crop as [
    [number, number],
    [number, number],
  ];
  return c.views.last(
    c.b.slice(
      c.views.first(c.x),
      [top, left],
      [bottom ? -bottom : 2 ** 31, right ? -right : 2 ** 31],
      [2, 3],
    ),
  );
};

/** As TensorFlow.js does it, which lays pixels by their corners. */
const upSampling: Importer = (c) => {
  const { size, interpolation } = configOf(
    c,
    z.object({
      size: sizes(2).default([2, 2]),
      interpolation: z.enum(["nearest", "bilinear"]).nullish(),
      data_format: channelsLast,
    }),
  );
  const scales = c.b.constant(floats([4], [1, 1, ...size]));
  const y = c.b.op("Resize", [c.views.first(c.x), "", scales], {
    mode: string(interpolation === "bilinear" ? "linear" : "nearest"),
    coordinate_transformation_mode: string("asymmetric"),
    nearest_mode: string("floor"),
  });
  return c.views.last(y);
};

/** The sum and the like of several values of one shape. */
const merge =
  (op: string): Importer =>
  (c) =>
    c.views.each(c.inputs, (xs) =>
      xs.length === 1 && op !== "Sub" ? xs[0]! : c.b.op(op, xs),
    );

const product: Importer = (c) =>
  c.views.each(c.inputs, ([first = "", ...more]) =>
    more.reduce((p, x) => c.b.mul(p, x), first),
  );

const concatenate: Importer = (c) => {
  const { axis } = configOf(c, z.object({ axis: z.int().default(-1) }));
  const rank = c.b.rankedDims(c.x).length;
  const at = axis < 0 ? axis + rank : axis;
  if (at === 0) throw unsupported(c.layer, "it joins samples");
  return c.b.concat(c.inputs, at);
};

const rescale: Importer = (c) => {
  const { scale, offset } = configOf(
    c,
    z.object({ scale: z.number(), offset: z.number().default(0) }),
  );
  return c.views.each([c.x], ([x = ""]) => {
    const y = c.b.mul(x, scale);
    return offset === 0 ? y : c.b.add(y, offset);
  });
};

export const shaping: ImporterTable = {
  MaxPooling1D: pool("MaxPool", 1),
  MaxPooling2D: pool("MaxPool", 2),
  AveragePooling1D: pool("AveragePool", 1),
  AveragePooling2D: pool("AveragePool", 2),
  GlobalAveragePooling1D: globalPool("ReduceMean"),
  GlobalAveragePooling2D: globalPool("ReduceMean"),
  GlobalMaxPooling1D: globalPool("ReduceMax"),
  GlobalMaxPooling2D: globalPool("ReduceMax"),
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  ZeroPadding2D: zeroPadding,
  Cropping2D: cropping,
  UpSampling2D: upSampling,
  Add: merge("Sum"),
  Subtract: merge("Sub"),
  Multiply: product,
  Average: merge("Mean"),
  Maximum: merge("Max"),
  Minimum: merge("Min"),
  Concatenate: concatenate,
  Rescaling: rescale,
};
