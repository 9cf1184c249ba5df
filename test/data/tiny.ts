import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { type Dataset, dataset } from "#data";
import { floats } from "#onnx";

/** A folder for one test file, removed when its tests have run. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "assay-data-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes a file below a folder and returns its path. */
export function put(
  folder: string,
  name: string,
  content: Uint8Array | string,
): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

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

/** A dataset of one pixel a sample, the sample's index scaled to [0, 1), with the given labels. */
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
