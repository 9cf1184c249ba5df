import { basename, resolve } from "node:path";
import { z } from "zod";
import { openArrow } from "../arrow.ts";
import { rowsByGroups } from "../groups.ts";
import { defineSource } from "../source.ts";
import { saysWhatIsRight, tableKeys } from "../table-spec.ts";
import { samplesOf } from "../table-values.ts";

/**
 * A table in an Apache Arrow file or stream, Feather among them, with flat columns of
 * numbers, text, categories or booleans.
 */
export const arrow = defineSource({
  schema: z
    .strictObject({
      source: z.literal("arrow"),
      path: z.string().min(1).describe("Path of the file."),
      ...tableKeys,
    })
    .refine(...saysWhatIsRight)
    .describe("Rows of a table in an Arrow or Feather file."),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const name = basename(file).replace(/\.(arrow|arrows|feather|ipc)$/i, "");
    return samplesOf(rowsByGroups(name, file, await openArrow(file)), spec);
  },
});
