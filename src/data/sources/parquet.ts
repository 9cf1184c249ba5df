import { basename, resolve } from "node:path";
import { z } from "zod";
import { rowsByGroups } from "../groups.ts";
import { openParquet, readColumns } from "../parquet.ts";
import { defineSource } from "../source.ts";
import { saysWhatIsRight, tableKeys } from "../table-spec.ts";
import { samplesOf } from "../table-values.ts";

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
    const { columns, groups } = await openParquet(file);
    const name = basename(file).replace(/\.parquet$/i, "");
    const rows = rowsByGroups(name, file, {
      columns,
      groups,
      read: (names, { rows: [from, to] }) => readColumns(file, names, from, to),
    });
    return samplesOf(rows, spec);
  },
});
