import { basename, resolve } from "node:path";
import { z } from "zod";
import { AssayError, messageOf, nearest, UsageError } from "#core";
import { arrayKeys, samplesOfArrays } from "../arrays.ts";
import { type NumpyFile, openNpy, unpackedNpy } from "../npy.ts";
import { defineSource } from "../source.ts";
import { placeIn, unpacked, type ZipEntry, zipEntries } from "../zip.ts";

/** Two NumPy arrays in one archive, as numpy.savez and savez_compressed write it. */
export const npz = defineSource({
  schema: z
    .strictObject({
      source: z.literal("npz"),
      path: z.string().min(1).describe("Path of the .npz file."),
      x: z.string().min(1).default("x").describe("Name of the inputs in it."),
      y: z.string().min(1).default("y").describe("Name of the labels in it."),
      ...arrayKeys,
    })
    .describe("Inputs and labels as NumPy arrays in one archive."),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const array = (name: string) => open(file, name);
    const names = { pixels: spec.x, labels: spec.y };
    return samplesOfArrays(
      basename(file).replace(/\.npz$/i, ""),
      array(spec.x),
      array(spec.y).read(),
      spec,
      (part, sample) =>
        `${file}, "${names[part]}"${sample === undefined ? "" : `, sample ${sample}`}`,
      spec.frames === undefined ? undefined : array(spec.frames).read(),
    );
  },
});

/**
 * An array of an archive. One that is stored as it is, as numpy.savez does, stays in
 * the file; one that is packed is unpacked into memory.
 */
function open(file: string, name: string): NumpyFile {
  const shown = `${file}, "${name}"`;
  const wanted = (entry: ZipEntry) => entry.name.replace(/\.npy$/, "") === name;
  const entries = reading(file, () => zipEntries(file));
  const entry = entries.find(wanted);
  if (!entry) throw missing(file, name, entries);
  if (entry.method === 0) {
    const place = reading(file, () => placeIn(file, entry));
    return openNpy(file, place, shown);
  }
  return unpackedNpy(
    reading(file, () => unpacked(file, entry)),
    shown,
  );
}

function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw new AssayError(
      "DATA_FORMAT",
      `${file} cannot be unpacked: ${messageOf(error)}`,
      "Write it again with numpy.savez.",
      { cause: error },
    );
  }
}

function missing(
  file: string,
  name: string,
  entries: readonly ZipEntry[],
): UsageError {
  const present = entries.map((entry) => entry.name.replace(/\.npy$/, ""));
  const meant = nearest(name, present);
  return new UsageError(
    "DATA_ARRAY",
    `${file} has no array "${name}"`,
    `${meant ? `Did you mean "${meant}"? ` : ""}It has: ${present.slice(0, 20).join(", ")}.`,
  );
}
