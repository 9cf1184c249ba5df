import { AssayError, repeated } from "#core";
import { byParts, type FloatTensor, isStreamed, sizeOf } from "#onnx";
import { validateSequences } from "./sequences.ts";
import type { Locate, SourceSamples } from "./source.ts";

/**
 * Checks what a source read. Throws an AssayError that names the file and the sample.
 *
 * @param options whether classes may have no samples
 */
export function validate(
  samples: SourceSamples,
  { mayLackClasses = false } = {},
): void {
  const { x, y, classes, targets, locate } = samples;
  const images = x.dims[0] ?? 0;
  if (images !== y.length) {
    throw new AssayError(
      "DATA_COUNT",
      `${locate("pixels")} has ${images} images and ${locate("labels")} has ${y.length} labels`,
      "Give the images and the labels of the same samples.",
    );
  }
  if (samples.positions === "unaligned") validateSequences(samples);
  else if (targets && samples.positions)
    validatePositions(targets, samples, sizeOf(samples.positions));
  else if (targets) validateTargets(targets, samples);
  else validateLabels(y, classes, locate, mayLackClasses);
  if (!samples.texts) validatePixels(x, locate);
}

/**
 * One row of finite numbers a sample, one named column an output, and y as it has
 * to be beside them.
 */
function validateTargets(
  { data, dims }: FloatTensor,
  { y, classes, locate }: SourceSamples,
): void {
  const [rows = 0, width = 0] = dims;
  if (rows === 0) throw noSamples(locate);
  if (rows !== y.length || width !== classes.length || dims.length !== 2) {
    throw new AssayError(
      "DATA_COUNT",
      `${locate("labels")} has targets of shape [${dims.join(", ")}], expected [${y.length}, ${classes.length}]: a row for each sample, a column for each of ${classes.join(", ")}`,
      "Give every sample as many labels or values as there are names.",
    );
  }
  distinct(classes, locate);
  const bad = data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new AssayError(
      "DATA_LABEL",
      `${locate("labels", Math.floor(bad / width))} has the value ${data[bad]} for "${classes[bad % width]}", expected a finite number`,
      "Correct the value, or remove the sample.",
    );
  }
}

/** A class at each position, and one that counts in each sample. */
function validatePositions(
  { data, dims }: FloatTensor,
  { y, classes, locate }: SourceSamples,
  size: number,
): void {
  if (y.length === 0) throw noSamples(locate);
  if (dims.join() !== [y.length, size].join())
    throw new AssayError(
      "DATA_COUNT",
      `${locate("labels")} has classes of positions of shape [${dims.join(", ")}], expected [${y.length}, ${size}]`,
      "Give every sample a class at each of its positions.",
    );
  distinct(classes, locate);
  for (let i = 0; i < y.length; i++) {
    const row = data.subarray(i * size, (i + 1) * size);
    const bad = row.find((k) => k !== -1 && !(k in classes));
    if (bad !== undefined)
      throw new AssayError(
        "DATA_LABEL",
        `${locate("labels", i)} has class ${bad} at a position, expected 0 to ${classes.length - 1} (${classes.length} classes)`,
        "Name every class, or state as `ignore` what marks positions that do not count.",
      );
    if (row.every((k) => k < 0))
      throw new AssayError(
        "DATA_LABEL",
        `${locate("labels", i)} has no position that counts`,
        "Remove the sample, or correct its labels.",
      );
  }
}

/**
 * The part of the checks that needs no pixels: at least one sample, labels in range,
 * distinct classes, none empty.
 */
export function validateLabels(
  y: Int32Array,
  classes: readonly string[],
  locate: Locate,
  mayLackClasses = false,
): void {
  if (y.length === 0) throw noSamples(locate);
  distinct(classes, locate);
  const counts = new Array<number>(classes.length).fill(0);
  for (const [sample, label] of y.entries()) {
    const count = counts[label];
    if (count === undefined) {
      throw new AssayError(
        "DATA_LABEL",
        `${locate("labels", sample)} has label ${label}, expected 0 to ${classes.length - 1} (${classes.length} classes)`,
        "Correct the label, or name every class.",
      );
    }
    counts[label] = count + 1;
  }
  const empty = counts.indexOf(0);
  if (empty >= 0 && !mayLackClasses) {
    throw new AssayError(
      "DATA_CLASS_EMPTY",
      `${locate("labels")} has no samples of class ${empty} ("${classes[empty]}")`,
      "Add samples of this class or remove it; labels count from 0 without gaps.",
    );
  }
}

function noSamples(locate: Locate): AssayError {
  return new AssayError(
    "DATA_EMPTY",
    `${locate("labels")} has no samples`,
    "Give a dataset with at least one sample of each class.",
  );
}

function distinct(classes: readonly string[], locate: Locate): void {
  const twice = repeated(classes);
  if (twice !== undefined) {
    throw new AssayError(
      "DATA_CLASSES",
      `${locate("labels")} has two classes named "${twice}"`,
      "Give each class its own name.",
    );
  }
}

function validatePixels(x: FloatTensor, locate: Locate): void {
  const width = sizeOf(x.dims.slice(1));
  const [low, high] = (isStreamed(x) && x.range) || [Number.NaN, Number.NaN];
  if (low >= 0 && high <= 1) return;
  for (const { from, data } of byParts(x)) {
    let bad = 0;
    // Written so that NaN fails too.
    while (data[bad]! >= 0 && data[bad]! <= 1) bad++;
    if (bad === data.length) continue;
    throw new AssayError(
      "DATA_VALUE",
      `${locate("pixels", from + Math.floor(bad / width))} has the value ${data[bad]}, expected a number from 0 to 1`,
      "Scale the pixels to [0, 1] and remove samples with missing values.",
    );
  }
}
