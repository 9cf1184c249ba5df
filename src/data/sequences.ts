import { AssayError, repeated } from "#core";
import { tensor } from "#onnx";
import { type Dataset, dataset } from "./dataset.ts";
import type { SourceSamples } from "./source.ts";

/** What the blank is called among the classes of sequences without an alignment. */
const BLANK = "<blank>";

/**
 * Sequences of classes without an alignment as targets [N, 1 + longest]: how many steps
 * of a model's outputs count, 0 for all; then the classes, without a blank, and -1
 * behind them.
 *
 * @param frames how many steps count; all of them when left out
 */
export function sequencesOf(
  labels: readonly (readonly number[])[],
  classes: readonly string[],
  frames?: ArrayLike<number>,
): Required<Pick<SourceSamples, "y" | "classes" | "targets" | "positions">> {
  const longest = labels.reduce((most, l) => Math.max(most, l.length), 1);
  const width = 1 + longest;
  const data = new Float32Array(labels.length * width).fill(-1);
  for (const [i, label] of labels.entries()) {
    data[i * width] = frames?.[i] ?? 0;
    data.set(label, i * width + 1);
  }
  return {
    y: new Int32Array(labels.length),
    classes,
    targets: tensor("float32", [labels.length, width], data),
    positions: "unaligned",
  };
}

/** Whole steps, classes that there are, and nothing behind the end of a label. */
export function validateSequences({
  targets,
  y,
  classes,
  locate,
}: SourceSamples): void {
  const { dims, data } = targets as NonNullable<SourceSamples["targets"]>;
  const [n = 0, width = 0] = dims;
  if (n === 0)
    throw new AssayError(
      "DATA_EMPTY",
      `${locate("labels")} has no samples`,
      "Give a dataset with at least one sample.",
    );
  const twice = repeated(classes);
  if (twice !== undefined || classes.includes(BLANK))
    throw new AssayError(
      "DATA_CLASSES",
      twice === undefined
        ? `${locate("labels")} has a class named "${BLANK}"`
        : `${locate("labels")} has two classes named "${twice}"`,
      "Give each class a name of its own, and leave the blank out: the task says which output it is.",
    );
  for (let i = 0; i < n; i++) {
    const [frames = 0, ...label] = data.subarray(i * width, (i + 1) * width);
    const end = label.indexOf(-1);
    const said = end < 0 ? label : label.slice(0, end);
    const behind = label.slice(said.length);
    const bad =
      said.find((k) => !(k in classes)) ?? behind.find((k) => k !== -1);
    if (bad !== undefined)
      throw new AssayError(
        "DATA_LABEL",
        `${locate("labels", i)} has class ${bad} in its sequence, expected 0 to ${classes.length - 1} (${classes.length} classes), and nothing behind its end`,
        "Name every class, and state as `ignore` what stands behind the end of a label.",
      );
    if (!(Number.isInteger(frames) && frames >= 0))
      throw new AssayError(
        "DATA_LABEL",
        `${locate("labels", i)} has ${frames} steps that count, expected a whole number from 1, or 0 for all`,
        "Give the number of steps of the model's outputs.",
      );
  }
  if (n !== y.length)
    throw new AssayError(
      "DATA_COUNT",
      `${locate("labels")} has ${n} sequences for ${y.length} samples`,
      "Give every sample a sequence.",
    );
}

/**
 * The data with the blank as its first class, and room for as many classes as a label
 * may have.
 *
 * @param most classes of a label
 * @throws DATA_LABEL for a longer label
 */
export function withBlank(data: Dataset, most: number): Dataset {
  const { targets } = data;
  if (data.positions !== "unaligned" || !targets) return data;
  const [n = 0, width = 0] = targets.dims;
  const moved = new Float32Array(n * (1 + most)).fill(-1);
  for (let i = 0; i < n; i++) {
    const [frames = 0, ...rest] = targets.data.subarray(
      i * width,
      (i + 1) * width,
    );
    const label = rest.filter((k) => k >= 0);
    if (label.length > most)
      throw new AssayError(
        "DATA_LABEL",
        `${data.name} has a label of ${label.length} classes (${spelled(label, data.classes)}), expected at most ${most}`,
        `State task: { kind: ctc, most: ${label.length} }.`,
      );
    moved[i * (1 + most)] = frames;
    moved.set(
      label.map((k) => k + 1),
      i * (1 + most) + 1,
    );
  }
  return dataset(
    data.name,
    data.x,
    data.y,
    [BLANK, ...data.classes],
    tensor("float32", [n, 1 + most], moved),
    data.table,
    data.texts,
    data.parts,
    data.positions,
  );
}

/** A label in words, cut short. */
export function spelled(
  label: readonly number[],
  classes: readonly string[],
): string {
  const names = label.map((k) => classes[k] ?? "?");
  const isPlain = names.every((name) => [...name].length === 1);
  const text = names.join(isPlain ? "" : " ");
  return text.length > 60 ? `${text.slice(0, 60)} ...` : text;
}
