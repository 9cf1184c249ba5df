import { z } from "zod";
import { AssayError } from "#core";
import { sizeOf, tensor } from "#onnx";
import { inputKeys, inputsOf } from "./array-inputs.ts";
import type { NumpyArray, NumpyFile } from "./npy.ts";
import { answersAt } from "./positions.ts";
import { sequencesOf } from "./sequences.ts";
import type { Locate, SourceSamples } from "./source.ts";

/** What a suite says of arrays, whatever file they are in. */
export const arrayKeys = {
  ...inputKeys,
  classes: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Names of the classes, or of the columns of y."),
  answers: z
    .enum(["classes", "labels", "values", "positions", "sequences"])
    .optional()
    .describe(
      "What y says of a sample: its class, as a number or one-hot; several labels, 0 or 1 each; values; a class at each position, [N, length] or [N, H, W]; or a sequence of classes without an alignment, [N, longest]. When left out, whole numbers [N] or [N, 1] and one-hot rows are classes.",
    ),
  ignore: z
    .int()
    .default(-100)
    .describe(
      "What y has at positions that do not count, such as 255, and behind the end of a sequence.",
    ),
  blank: z
    .int()
    .default(0)
    .describe(
      "The number of the blank among those of y, which no sequence says; -1 where y numbers the classes without it.",
    ),
  frames: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The array of how many steps of the model's outputs count, [N], for sequences; all of them when left out.",
    ),
};

const arraySpec = z.object(arrayKeys);

/**
 * Two arrays as samples: x [N, ...shape]; y [N] or [N, 1] of classes, or [N, outputs]
 * of one-hot classes, labels (0 or 1) or values.
 */
export async function samplesOfArrays(
  name: string,
  x: NumpyFile,
  y: NumpyArray,
  spec: z.output<typeof arraySpec>,
  locate: Locate,
  frames?: NumpyArray,
): Promise<SourceSamples> {
  if (spec.answers !== "positions" && spec.answers !== "sequences") {
    const answers = answersIn(y, spec, locate("labels"));
    return { name, x: await inputsOf(x, spec, locate), ...answers, locate };
  }
  const answers =
    spec.answers === "positions"
      ? classesAt(y, spec, locate)
      : sequencesIn(y, frames, spec, locate);
  // What has three axes beside labels in a row is a series of several numbers.
  const isSeries = x.dims.length === 3 && answers.positions.length !== 2;
  const inputs = await inputsOf(x, spec, locate, isSeries);
  return { name, x: inputs, ...answers, locate };
}

function answersIn(
  y: NumpyArray,
  { classes, answers }: z.output<typeof arraySpec>,
  file: string,
): Pick<SourceSamples, "y" | "classes" | "targets"> {
  const { dims, data } = y;
  const [n = 0, width = 1] = dims;
  if (dims.length === 0 || dims.length > 2)
    throw new AssayError(
      "DATA_SHAPE",
      `${file} has shape [${dims.join(", ")}], expected labels [N], or [N, outputs]`,
      "Check that x and y are not exchanged.",
    );
  if ((answers ?? meant(y)) === "classes")
    return numbered(
      width > 1 ? fromOneHot(y, file) : data,
      width,
      classes,
      file,
    );
  return {
    y: new Int32Array(n),
    classes: classes ?? Array.from({ length: width }, (_, i) => `y${i + 1}`),
    targets: tensor("float32", [n, width], Float32Array.from(data)),
  };
}

/** A class at each position, [N, length], [N, H, W] or [N, 1, H, W]. */
function classesAt(
  { dims, data }: NumpyArray,
  { classes, ignore }: z.output<typeof arraySpec>,
  locate: Locate,
) {
  const [n = 0, ...rest] = dims;
  const positions = rest.length === 3 && rest[0] === 1 ? rest.slice(1) : rest;
  const size = sizeOf(positions);
  if (positions.length < 1 || positions.length > 2 || size === 0)
    throw new AssayError(
      "DATA_SHAPE",
      `${locate("labels")} has shape [${dims.join(", ")}], expected a class at each position: [N, length] or [N, H, W]`,
      "Give whole numbers, not one-hot rows.",
    );
  return answersAt(data, n, positions, { classes, ignore }, (sample) =>
    locate("labels", sample),
  );
}

/** Sequences [N, longest] of classes, by numbers that the blank is among. */
function sequencesIn(
  { dims, data }: NumpyArray,
  frames: NumpyArray | undefined,
  { classes, ignore, blank }: z.output<typeof arraySpec>,
  locate: Locate,
) {
  const [n = 0, longest = 0, ...more] = dims;
  if (longest === 0 || more.length > 0)
    throw new AssayError(
      "DATA_SHAPE",
      `${locate("labels")} has shape [${dims.join(", ")}], expected sequences of classes: [N, longest]`,
      "Fill shorter sequences up with what `ignore` states.",
    );
  if (frames && (frames.dims.length !== 1 || frames.dims[0] !== n))
    throw new AssayError(
      "DATA_SHAPE",
      `frames have shape [${frames.dims.join(", ")}], expected [${n}]: a number of steps for each sample`,
      "Give as many as there are sequences.",
    );
  let count = 0;
  const labels = Array.from({ length: n }, (_, i) => {
    const row = Array.from(data.subarray(i * longest, (i + 1) * longest));
    const end = row.indexOf(ignore);
    const label = end < 0 ? row : row.slice(0, end);
    const bad =
      label.find((k) => !(Number.isInteger(k) && k >= 0) || k === blank) ??
      row.slice(label.length).find((k) => k !== ignore);
    if (bad !== undefined)
      throw new AssayError(
        "DATA_LABEL",
        `${locate("labels", i)} has ${bad} in its sequence${bad === blank ? ", the number of the blank" : ""}, expected classes, and ${ignore} behind them`,
        "State as `blank` the number that no sequence says (-1 where there is none), and as `ignore` what fills up short ones.",
      );
    return label.map((k) => {
      const own = blank >= 0 && k > blank ? k - 1 : k;
      count = Math.max(count, own + 1);
      return own;
    });
  });
  const names = classes ?? Array.from({ length: count }, (_, k) => `${k}`);
  return sequencesOf(labels, names, frames?.data);
}

/**
 * What y says when nobody does: a column of floats may be values, whatever they are.
 */
function meant({ dims, data, type }: NumpyArray): "classes" | "values" {
  const [, width = 1] = dims;
  const isClass =
    width > 1
      ? oneHotOf(data, width).every((k) => k >= 0)
      : data.every(Number.isInteger) &&
        (dims.length === 1 || !/f\d$/.test(type));
  return isClass ? "classes" : "values";
}

/**
 * Where the 1 of each row stands; -1 for a row that has another number than 0 beside
 * it, or none.
 */
function oneHotOf(data: NumpyArray["data"], width: number): number[] {
  return Array.from({ length: data.length / width }, (_, i) => {
    const row = data.subarray(i * width, (i + 1) * width);
    const others = row.filter((v) => v !== 0);
    return others.length === 1 && others[0] === 1 ? row.indexOf(1) : -1;
  });
}

function fromOneHot({ data, dims }: NumpyArray, file: string): number[] {
  const labels = oneHotOf(data, dims[1] ?? 1);
  const bad = labels.indexOf(-1);
  if (bad < 0) return labels;
  throw new AssayError(
    "DATA_LABEL",
    `${file}, sample ${bad} has no single class: its row is not one 1 among zeros`,
    "State answers: labels or answers: values.",
  );
}

function numbered(
  found: ArrayLike<number>,
  width: number,
  classes: readonly string[] | undefined,
  file: string,
): Pick<SourceSamples, "y" | "classes"> {
  const labels = Float64Array.from(found);
  const count = labels.reduce(
    (most, k) => Math.max(most, k + 1),
    width > 1 ? width : 0,
  );
  // Labels without an end would be a list of names without one.
  if (count > 2 ** 20 || labels.some((k) => !(k >= 0 && Number.isInteger(k))))
    throw new AssayError(
      "DATA_LABEL",
      `${file} has labels that are not whole, below 0, or as large as ${count - 1}, expected classes counted from 0`,
      "Number the classes from 0 without gaps, or state answers: values.",
    );
  return {
    y: Int32Array.from(labels),
    classes: classes ?? Array.from({ length: count }, (_, i) => `${i}`),
  };
}
