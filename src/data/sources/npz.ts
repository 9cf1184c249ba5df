import { basename, resolve } from "node:path";
import { unzipSync } from "fflate";
import { z } from "zod";
import { AssayError, messageOf, nearest, readFile, UsageError } from "#core";
import { arrayKeys, samplesOfArrays } from "../arrays.ts";
import { hasChecksum, statedChecksums } from "../checksums.ts";
import { readNpy } from "../npy.ts";
import { defineSource } from "../source.ts";

/** The most bytes that an array may unpack to. */
const LARGEST = 2 ** 31 - 1;

/** To how many times its size anything can unpack (RFC 1951: 258 bytes of 2 bits). */
const MOST_PACKED = 1032;

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
    const arrays = unpack(file, [spec.x, spec.y, spec.frames ?? []].flat());
    const array = (name: string) =>
      readNpy(arrays.get(name) as Uint8Array, `${file}, "${name}"`);
    const names = { pixels: spec.x, labels: spec.y };
    return samplesOfArrays(
      basename(file).replace(/\.npz$/i, ""),
      array(spec.x),
      array(spec.y),
      spec,
      (part, sample) =>
        `${file}, "${names[part]}"${sample === undefined ? "" : `, sample ${sample}`}`,
      spec.frames === undefined ? undefined : array(spec.frames),
    );
  },
});

/** The named arrays of an archive; nothing else of it is unpacked. */
function unpack(file: string, names: readonly string[]) {
  const bytes = readFile(file);
  const present: string[] = [];
  let unpacked: Record<string, Uint8Array>;
  try {
    unpacked = unzipSync(bytes, {
      filter({ name, size, originalSize }) {
        const array = name.replace(/\.npy$/, "");
        present.push(array);
        if (!names.includes(array)) return false;
        // So much is allocated before anything is unpacked.
        if (originalSize <= Math.min(LARGEST, MOST_PACKED * (size + 1)))
          return true;
        throw new Error(
          `"${array}" states ${originalSize} bytes, packed in ${size}`,
        );
      },
    });
    const stated = statedChecksums(bytes);
    for (const [name, content] of Object.entries(unpacked))
      if (!hasChecksum(content, stated.get(name)))
        throw new Error(`the checksum of "${name}" is wrong`);
  } catch (error) {
    throw new AssayError(
      "DATA_FORMAT",
      `${file} cannot be unpacked: ${messageOf(error)}`,
      "Write it again with numpy.savez.",
      { cause: error },
    );
  }
  const found = new Map(
    Object.entries(unpacked).map(([name, content]) => [
      name.replace(/\.npy$/, ""),
      content,
    ]),
  );
  const missing = names.find((name) => !found.has(name));
  if (missing === undefined) return found;
  const meant = nearest(missing, present);
  throw new UsageError(
    "DATA_ARRAY",
    `${file} has no array "${missing}"`,
    `${meant ? `Did you mean "${meant}"? ` : ""}It has: ${present.slice(0, 20).join(", ")}.`,
  );
}
