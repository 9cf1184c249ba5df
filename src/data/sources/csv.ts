import { basename, resolve } from "node:path";
import { type CsvError, parse } from "csv-parse/sync";
import { z } from "zod";
import { AssayError, messageOf, readFile, repeated } from "#core";
import { NumberColumn } from "../columns.ts";
import { numbersIn, type Sheet } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { saysWhatIsRight, tableKeys } from "../table-spec.ts";
import { samplesOf } from "../table-values.ts";

/** The most that is read of one file, in bytes. */
const LARGEST = 2 ** 29;

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
    return samplesOf(
      readCsv(file, { ...spec, isNumber: numbersIn(spec) }),
      spec,
    );
  },
});

/** The cells of a file of separated values. */
export function readCsv(
  file: string,
  {
    delimiter,
    header,
    skip,
    quotes = true,
    isNumber = () => false,
    hint = "Check delimiter, header and skip, and that text with the delimiter stands in quotes.",
  }: {
    delimiter: string;
    header: boolean;
    skip: number;
    quotes?: boolean;
    /** Which columns are read as numbers, by their names. */
    isNumber?: (name: string) => boolean;
    hint?: string;
  },
): Sheet {
  const bytes = readFile(file);
  if (bytes.length > LARGEST)
    throw new AssayError(
      "DATA_TOO_LARGE",
      `${file} has ${bytes.length} bytes, expected at most ${LARGEST}`,
      "Give fewer rows, or the same table as parquet.",
    );
  let columns: readonly string[] | undefined;
  const cells: (NumberColumn | string[])[] = [];
  const lines: number[] = [];
  const begin = (names: readonly string[]) => {
    columns = names;
    requireDistinct(names, file);
    for (const name of names)
      cells.push(isNumber(name) ? new NumberColumn() : []);
  };
  try {
    parse(bytes, {
      bom: true,
      delimiter,
      quote: quotes ? '"' : false,
      from_line: skip + 1,
      skip_empty_lines: true,
      max_record_size: 2 ** 24,
      // Rows are not kept: as texts they take many times what they are as numbers.
      on_record(record: string[], { lines: line }) {
        if (!columns) {
          begin(
            header
              ? record.map((name) => name.trim())
              : record.map((_, i) => `c${i + 1}`),
          );
          if (header) return null;
        }
        for (const [i, column] of cells.entries())
          if (column instanceof NumberColumn) column.add(record[i]!);
          else column.push(record[i]!);
        lines.push(line);
        return null;
      },
    });
  } catch (error) {
    throw unreadable(file, error, hint);
  }
  return {
    name: basename(file).replace(/\.(csv|tsv|txt)$/i, ""),
    file,
    columns: columns ?? [],
    count: lines.length,
    cells: (column) => cells[column] ?? [],
    place: (row) => `${file}, line ${lines[row]}`,
  };
}

function requireDistinct(columns: readonly string[], file: string): void {
  const twice = repeated(columns);
  if (twice === undefined) return;
  throw new AssayError(
    "DATA_FORMAT",
    `${file} has two columns named "${twice}"`,
    "Give each column its own name, or set header: false.",
  );
}

function unreadable(file: string, error: unknown, hint: string): AssayError {
  if (error instanceof AssayError) return error;
  const { code, lines } = error as CsvError & { lines?: number };
  const why =
    code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH"
      ? "has another number of columns than the lines before"
      : messageOf(error);
  return new AssayError(
    "DATA_FORMAT",
    `${file}${lines === undefined ? "" : `, line ${lines}`}: ${why}`,
    hint,
    { cause: error },
  );
}
