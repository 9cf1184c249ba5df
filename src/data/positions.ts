import { AssayError } from "#core";
import { sizeOf, tensor } from "#onnx";
import type { SourceSamples } from "./source.ts";

/** The most classes: a name each is made where none are given. */
const MOST = 2 ** 20;

/**
 * The class at each position of samples, from the numbers of a file.
 *
 * @param labels of all samples, one behind the other
 * @param ignore what stands where no class counts
 * @throws DATA_LABEL for what is no whole number from 0
 */
export function answersAt(
  labels: ArrayLike<number>,
  samples: number,
  positions: readonly number[],
  {
    classes,
    ignore,
  }: {
    readonly classes?: readonly string[] | undefined;
    readonly ignore: number;
  },
  place: (sample: number) => string,
): Required<Pick<SourceSamples, "y" | "classes" | "targets" | "positions">> {
  const size = sizeOf(positions);
  const data = new Float32Array(labels.length);
  let count = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    data[i] = label === ignore ? -1 : label;
    if (label === ignore) continue;
    if (!(Number.isInteger(label) && label >= 0 && label < MOST))
      throw new AssayError(
        "DATA_LABEL",
        `${place(Math.floor(i / size))} has ${label} at a position, expected a class counted from 0`,
        "Number the classes from 0, or state as `ignore` what marks positions that do not count.",
      );
    count = Math.max(count, label + 1);
  }
  return {
    y: new Int32Array(samples),
    classes: classes ?? Array.from({ length: count }, (_, k) => `${k}`),
    targets: tensor("float32", [samples, size], data),
    positions,
  };
}
