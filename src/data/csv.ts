import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream";
import { type CsvError, type Options, parse } from "csv-parse";
import { parse as parseWhole } from "csv-parse/sync";
import { AssayError, fileSize, messageOf, readFile, repeated } from "#core";
import { NumberColumn } from "./columns.ts";
import type { Rows, Sheet } from "./sheet.ts";

/** The most that is held of one file, in bytes. */
const LARGEST = 2 ** 29;

/**
 * Up to so many bytes a table is read once and its cells are held. A larger one is read
 * as often as it is asked for, so many cells at once. Tests have less.
 */
export const most = { bytes: 2 ** 25, cells: 2 ** 18 };

/** How a file of separated values is read. */
interface Stated {
  readonly delimiter: string;
  readonly header: boolean;
  readonly skip: number;
  readonly quotes?: boolean;
  /** Which columns are read as numbers, by their names. */
  readonly isNumber?: (name: string) => boolean;
  readonly hint?: string;
}

/**
 * A table of separated values, of which but some rows are in memory where it is large.
 *
 * @throws DATA_FORMAT, also while rows are read
 */
export async function openCsv(file: string, stated: Stated): Promise<Rows> {
  if (fileSize(file) <= most.bytes) {
    const sheet = readCsv(file, stated);
    return { ...sheet, parts: () => [sheet] };
  }
  const lines = new Lines();
  const columns = await firstOf(file, stated);
  const whole = {
    name: nameOf(file),
    file,
    columns,
    place: (row: number) => `${file}, line ${lines.of(row)}`,
  };
  return {
    ...whole,
    async *parts(names) {
      const take = (from: number) => {
        const part = new Part(columns, names, stated);
        return {
          part,
          sheet: (): Sheet => ({
            ...whole,
            count: part.count,
            cells: (column) => part.cells.get(column) ?? [],
            place: (row) => whole.place(from + row),
          }),
        };
      };
      let next = take(0);
      let row = 0;
      let isHeader = stated.header;
      yield* recordsOf(file, stated, (record, line) => {
        if (isHeader) {
          isHeader = false;
          return null;
        }
        lines.add(row++, line);
        next.part.add(record);
        if (next.part.count * names.length < most.cells) return null;
        const { sheet } = next;
        next = take(row);
        return sheet();
      });
      if (next.part.count > 0) yield next.sheet();
    },
  };
}

/** The cells of a file of separated values, all of them held. */
export function readCsv(file: string, stated: Stated): Sheet {
  const bytes = readFile(file);
  if (bytes.length > LARGEST)
    throw new AssayError(
      "DATA_TOO_LARGE",
      `${file} has ${bytes.length} bytes, expected at most ${LARGEST}`,
      "Give fewer rows.",
    );
  const lines = new Lines();
  let columns: readonly string[] | undefined;
  let part: Part | undefined;
  try {
    parseWhole(bytes, {
      ...optionsOf(stated),
      // Rows are not kept: as texts they take many times what they are as numbers.
      on_record(record: string[], { lines: line }) {
        if (!part) {
          columns = namesOf(record, file, stated);
          part = new Part(columns, columns, stated);
          if (stated.header) return null;
        }
        lines.add(part.count, line);
        part.add(record);
        return null;
      },
    });
  } catch (error) {
    throw unreadable(file, error, stated);
  }
  return {
    name: nameOf(file),
    file,
    columns: columns ?? [],
    count: part?.count ?? 0,
    cells: (column) => part?.cells.get(column) ?? [],
    place: (row) => `${file}, line ${lines.of(row)}`,
  };
}

/** Cells of some rows, of the columns that are asked for. */
class Part {
  readonly cells = new Map<number, NumberColumn | string[]>();
  count = 0;

  constructor(
    columns: readonly string[],
    names: readonly string[],
    { isNumber = () => false }: Stated,
  ) {
    const asked = new Set(names);
    for (const [i, name] of columns.entries())
      if (asked.has(name))
        this.cells.set(i, isNumber(name) ? new NumberColumn() : []);
  }

  add(record: readonly string[]): void {
    for (const [i, column] of this.cells)
      if (column instanceof NumberColumn) column.add(record[i]!);
      else column.push(record[i]!);
    this.count++;
  }
}

/** The line on which each row ends, kept where it is not the one after the last. */
class Lines {
  readonly #rows: number[] = [];
  readonly #lines: number[] = [];
  #next = 0;

  /** Rows come in order; those that came before are known. */
  add(row: number, line: number): void {
    if (row < this.#next) return;
    this.#next = row + 1;
    const at = this.#rows.length - 1;
    if (at >= 0 && line - row === this.#lines[at]! - this.#rows[at]!) return;
    this.#rows.push(row);
    this.#lines.push(line);
  }

  of(row: number): number {
    const at = this.#rows.findLastIndex((one) => one <= row);
    return (this.#lines[at] ?? 0) + row - (this.#rows[at] ?? 0);
  }
}

/** The names of the columns; none for a file without a record. */
async function firstOf(
  file: string,
  stated: Stated,
): Promise<readonly string[]> {
  const records = recordsOf(file, stated, (record) => record);
  for await (const record of records) return namesOf(record, file, stated);
  return [];
}

/** What is made of records as they come; null of most. */
async function* recordsOf<T>(
  file: string,
  stated: Stated,
  take: (record: string[], line: number) => T | null,
): AsyncGenerator<T> {
  const records = parse({
    ...optionsOf(stated),
    on_record: (record: string[], { lines }) => take(record, lines) as never,
  });
  // What goes wrong is thrown where records are read.
  pipeline(
    createReadStream(file, { highWaterMark: 2 ** 20 }),
    records,
    () => {},
  );
  try {
    yield* records;
  } catch (error) {
    throw unreadable(file, error, stated);
  }
}

const optionsOf = ({ delimiter, quotes = true, skip }: Stated): Options => ({
  bom: true,
  delimiter,
  quote: quotes ? '"' : false,
  from_line: skip + 1,
  skip_empty_lines: true,
  max_record_size: 2 ** 24,
});

const nameOf = (file: string) =>
  basename(file).replace(/\.(csv|tsv|txt)$/i, "");

function namesOf(
  record: readonly string[],
  file: string,
  { header }: Stated,
): readonly string[] {
  const names = record.map((name, i) => (header ? name.trim() : `c${i + 1}`));
  const twice = repeated(names);
  if (twice === undefined) return names;
  throw new AssayError(
    "DATA_FORMAT",
    `${file} has two columns named "${twice}"`,
    "Give each column its own name, or set header: false.",
  );
}

function unreadable(
  file: string,
  error: unknown,
  {
    hint = "Check delimiter, header and skip, and that text with the delimiter stands in quotes.",
  }: Stated,
): AssayError {
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
