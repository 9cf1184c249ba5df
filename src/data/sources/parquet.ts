import { basename, resolve } from "node:path";
import { z } from "zod";
import { readParquet } from "../parquet.ts";
import { ofRows, samplesOf } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { saysWhatIsRight, tableKeys } from "../table-spec.ts";

/**
 * A table in an Apache Parquet file, with flat columns of numbers, text or booleans.
 */
export const parquet = defineSource({
  schema: z
    .strictObject({
      source: z.literal("parquet"),
      path: z.string().min(1).describe("Path of the file."),
      ...tableKeys,
    })
    .refine(...saysWhatIsRight)
    .describe("Rows of a table in a Parquet file."),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const { columns, rows } = await readParquet(file);
    const sheet = {
      name: basename(file).replace(/\.parquet$/i, ""),
      file,
      columns,
      ...ofRows(rows),
      place: (row: number) => `${file}, row ${row + 1}`,
    };
    return samplesOf(sheet, spec);
  },
});
