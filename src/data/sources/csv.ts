import { resolve } from "node:path";
import { z } from "zod";
import { openCsv } from "../csv.ts";
import { numbersIn } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { saysWhatIsRight, tableKeys } from "../table-spec.ts";
import { samplesOf } from "../table-values.ts";

/**
 * A table as text (RFC 4180): a row a line, its columns named by the first line, or
 * `c1`, `c2`, ... without one.
 */
export const csv = defineSource({
  schema: z
    .strictObject({
      source: z.literal("csv"),
      path: z.string().min(1).describe("Path of the file."),
      delimiter: z.string().length(1).default(","),
      header: z
        .boolean()
        .default(true)
        .describe("Whether the first line names the columns."),
      skip: z
        .int()
        .nonnegative()
        .default(0)
        .describe("Lines before the header, or before the first row."),
      ...tableKeys,
    })
    .refine(...saysWhatIsRight)
    .describe("Rows of a table as comma-separated values."),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const rows = await openCsv(file, { ...spec, isNumber: numbersIn(spec) });
    return samplesOf(rows, spec);
  },
});
