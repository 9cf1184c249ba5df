import { type Dataset, dataset } from "#data";
import { floats } from "#onnx";

/** An idx file: magic number, dims, bytes. */
export function idxFile(
  dims: readonly number[],
  bytes: ArrayLike<number>,
  type = 8,
): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header[2] = type;
  header[3] = dims.length;
  dims.forEach((dim, i) => {
    header.writeUInt32BE(dim, 4 + 4 * i);
  });
  return Buffer.concat([header, Uint8Array.from(bytes)]);
}

/**
 * A dataset of one pixel a sample, the sample's index scaled to [0, 1), with
 * the given labels.
 */
export function numbered(labels: readonly number[], classes: number): Dataset {
  const size = labels.length;
  return dataset(
    "numbered",
    floats(
      [size, 1, 1, 1],
      labels.map((_, i) => i / size),
    ),
    Int32Array.from(labels),
    Array.from({ length: classes }, (_, i) => `class ${i}`),
  );
}

/** Which samples of `numbered` a part of it holds. */
export function indicesOf(part: Dataset, size: number): number[] {
  return Array.from(part.x.data, (value) => Math.round(value * size));
}
