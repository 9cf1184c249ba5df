import { z } from "zod";
import { AssayError } from "#core";
import { type FloatTensor, sizeOf, tensor } from "#onnx";
import type { NumpyArray } from "./npy.ts";
import type { Locate, Samples } from "./source.ts";

/** What a suite says of arrays, whatever file they are in. */
export const arrayKeys = {
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, { message: "lowest first" })
    .optional()
    .describe(
      "What becomes 0 and 1; 0 and 255 for bytes, 0 and 1 otherwise when left out.",
    ),
  layout: z
    .enum(["NCHW", "NHWC"])
    .optional()
    .describe("Told by the shape when left out, as for models."),
  classes: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Names of the classes, or of the columns of y."),
};

const arraySpec = z.object(arrayKeys);

/**
 * Two arrays as samples: x [N, ...shape], y [N] of classes, or [N, outputs] of labels
 * (0 or 1) or values.
 */
export function samplesOfArrays(
  name: string,
  x: NumpyArray,
  y: NumpyArray,
  spec: z.output<typeof arraySpec>,
  locate: Locate,
): Samples {
  return {
    name,
    x: inputs(x, spec, locate("pixels")),
    ...answers(y, spec.classes, locate("labels")),
    locate,
  };
}

function inputs(
  { dims, data, type }: NumpyArray,
  { range, layout }: z.output<typeof arraySpec>,
  file: string,
): FloatTensor {
  if (dims.length < 2 || sizeOf(dims.slice(1)) === 0)
    throw new AssayError(
      "DATA_SHAPE",
      `${file} has shape [${dims.join(", ")}], expected one entry a sample and its numbers: [N, width], [N, H, W] or [N, C, H, W]`,
      "Check that x and y are not exchanged.",
    );
  const [low, high] = range ?? (type.endsWith("u1") ? [0, 255] : [0, 1]);
  const scaled = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++)
    scaled[i] = (data[i]! - low) / (high - low);
  const [n = 0, a = 1, b = 1, c = 1] = dims;
  if (dims.length === 3) return tensor("float32", [n, 1, a, b], scaled);
  const isChannels = (d: number) => d === 1 || d === 3;
  const last =
    layout === "NHWC" || (!layout && isChannels(c) && !isChannels(a));
  if (dims.length !== 4 || !last) return tensor("float32", dims, scaled);
  const planes = new Float32Array(scaled.length);
  for (let i = 0; i < planes.length; i++) {
    const [pixel, channel] = [Math.floor(i / c), i % c];
    const [sample, place] = [Math.floor(pixel / (a * b)), pixel % (a * b)];
    planes[(sample * c + channel) * a * b + place] = scaled[i]!;
  }
  return tensor("float32", [n, c, a, b], planes);
}

function answers(
  { dims, data }: NumpyArray,
  classes: readonly string[] | undefined,
  file: string,
): Pick<Samples, "y" | "classes" | "targets"> {
  const [n = 0, width = 1] = dims;
  if (dims.length === 0 || dims.length > 2)
    throw new AssayError(
      "DATA_SHAPE",
      `${file} has shape [${dims.join(", ")}], expected labels [N], or [N, outputs]`,
      "Check that x and y are not exchanged.",
    );
  const labels = Float64Array.from(data);
  if (dims.length === 1 && labels.every(Number.isInteger)) {
    const count = labels.reduce((most, label) => Math.max(most, label + 1), 0);
    // Labels without an end would be a list of names without one.
    if (count > 2 ** 20 || labels.some((label) => label < 0))
      throw new AssayError(
        "DATA_LABEL",
        `${file} has labels below 0 or as large as ${count - 1}, expected classes counted from 0`,
        "Number the classes from 0 without gaps, or give values as [N, 1].",
      );
    const names = classes ?? Array.from({ length: count }, (_, i) => `${i}`);
    return { y: Int32Array.from(labels), classes: names };
  }
  return {
    y: new Int32Array(n),
    classes: classes ?? Array.from({ length: width }, (_, i) => `y${i + 1}`),
    targets: tensor("float32", [n, width], Float32Array.from(data)),
  };
}
