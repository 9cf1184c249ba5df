import { basename, resolve } from "node:path";
import { z } from "zod";
import { openParquet, readColumns } from "../parquet.ts";
import { answersIn, type Sheet } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { saysWhatIsRight, tableKeys } from "../table-spec.ts";
import { samplesOf } from "../table-values.ts";

/** Up to so many cells of small groups of rows are read at once. */
const AT_ONCE = 2 ** 20;

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
    const count = groups.reduce((sum, rows) => sum + rows, 0);
    const place = (row: number) => `${file}, row ${row + 1}`;
    const right = answersIn(spec).filter((name) => columns.includes(name));
    const answers = await readColumns(file, right, 0, count);
    const sheet: Sheet = {
      name: basename(file).replace(/\.parquet$/i, ""),
      file,
      columns,
      count,
      place,
      cells: (column) => answers.get(columns[column] ?? "") ?? [],
      async *parts(names) {
        let from = 0;
        for (const rows of together(groups, names.length)) {
          const cells = await readColumns(file, names, from, from + rows);
          const start = from;
          yield {
            ...sheet,
            count: rows,
            cells: (column) => cells.get(columns[column] ?? "") ?? [],
            place: (row) => place(start + row),
          };
          from += rows;
        }
      },
    };
    return samplesOf(sheet, spec);
  },
});

/** Rows that are read at once: whole groups, small ones together. */
function together(groups: readonly number[], columns: number): number[] {
  const parts: number[] = [];
  for (const rows of groups) {
    const last = parts.at(-1);
    if (last === undefined || (last + rows) * columns > AT_ONCE)
      parts.push(rows);
    else parts[parts.length - 1] = last + rows;
  }
  return parts;
}
