import { basename, resolve } from "node:path";
import { z } from "zod";
import { readFile } from "#core";
import { arrayKeys, samplesOfArrays } from "../arrays.ts";
import { openNpy, readNpy } from "../npy.ts";
import { defineSource } from "../source.ts";

/** Two NumPy arrays in a file each. */
export const npy = defineSource({
  schema: z
    .strictObject({
      source: z.literal("npy"),
      x: z.string().min(1).describe("Path of the .npy file of inputs."),
      y: z.string().min(1).describe("Path of the .npy file of labels."),
      ...arrayKeys,
    })
    .describe("Inputs and labels as NumPy arrays, a file each."),

  async read(spec, folder) {
    const files = {
      pixels: resolve(folder, spec.x),
      labels: resolve(folder, spec.y),
    };
    const x = openNpy(files.pixels);
    const y = readNpy(readFile(files.labels), files.labels);
    const name = basename(spec.x).replace(/\.npy$/i, "");
    const frames =
      spec.frames === undefined ? undefined : resolve(folder, spec.frames);
    return samplesOfArrays(
      name,
      x,
      y,
      spec,
      (part, sample) =>
        sample === undefined ? files[part] : `${files[part]}, sample ${sample}`,
      frames === undefined ? undefined : readNpy(readFile(frames), frames),
    );
  },
});
