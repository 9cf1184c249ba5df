import { basename, resolve } from "node:path";
import { z } from "zod";
import { readArrow } from "../arrow.ts";
import { ofRows } from "../sheet.ts";
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
    const { columns, rows } = await readArrow(file);
    const sheet = {
      name: basename(file).replace(/\.(arrow|arrows|feather|ipc)$/i, ""),
      file,
      columns,
      ...ofRows(rows),
      place: (row: number) => `${file}, row ${row + 1}`,
    };
    return samplesOf(sheet, spec);
  },
});
