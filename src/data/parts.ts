import { resolve } from "node:path";
import { AssayError, readFile, UsageError } from "#core";
import { type Dataset, type Part, withParts } from "./dataset.ts";
import { readNpy } from "./npy.ts";

const names: Readonly<Record<Part, RegExp>> = {
  train: /^train(ing)?$/i,
  validation: /^(val(id|idation)?|dev)$/i,
  test: /^test(ing)?$/i,
};

/** The parts of a split, in the order in which they are used. */
export const PARTS = ["train", "validation", "test"] as const;

/** The part that a folder or a value is named after; undefined for another name. */
export const partNamed = (name: string): Part | undefined =>
  PARTS.find((part) => names[part].test(name));

/**
 * The data with the split that files of indices state: whole numbers from 0 in the
 * order of the data, as an array of NumPy or as text.
 *
 * @param files a path for each part; validation may be left out
 * @param folder where relative paths start
 * @throws DATA_SPLIT for an index that is not there, or is in two places
 */
export function splitByFiles(
  data: Dataset,
  files: Readonly<Partial<Record<Part, string | undefined>>>,
  folder: string,
): Dataset {
  const parts: (Part | null)[] = Array.from(data.y, () => null);
  for (const part of PARTS) {
    const stated = files[part];
    if (stated === undefined) continue;
    const file = resolve(folder, stated);
    for (const [at, index] of indicesIn(file).entries()) {
      const why =
        parts[index] === undefined
          ? `expected whole numbers from 0 to ${parts.length - 1}, since ${data.name} has ${parts.length} samples`
          : parts[index] !== null
            ? `which is in ${parts[index]} already`
            : undefined;
      if (why !== undefined)
        throw new UsageError(
          "DATA_SPLIT",
          `${file}, entry ${at + 1} is ${index}, ${why}`,
          "Give each sample to one part, by its place in the data, counted from 0.",
        );
      parts[index] = part;
    }
  }
  return withParts(data, parts);
}

function indicesIn(file: string): number[] {
  const bytes = readFile(file);
  if (/\.npy$/i.test(file)) return Array.from(readNpy(bytes, file).data);
  const words = new TextDecoder().decode(bytes).split(/\s+/).filter(Boolean);
  const bad = words.find((word) => !/^\d+$/.test(word));
  if (bad === undefined) return words.map(Number);
  throw new AssayError(
    "DATA_SPLIT",
    `${file} has "${bad.slice(0, 40)}", expected whole numbers, one a line`,
    "Write the indices of the part as text or as a .npy file.",
  );
}
