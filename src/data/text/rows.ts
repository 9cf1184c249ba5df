import { basename } from "node:path";
import { AssayError, fileSize, messageOf, readBytes, UsageError } from "#core";
import type { Cell } from "../columns.ts";
import { readCsv } from "../csv.ts";
import { cellsAt, ofRows, type Sheet } from "../sheet.ts";

interface Stated {
  readonly header: boolean;
  readonly delimiter?: string | undefined;
  /**
   * Whether a text that begins with a quote stands in quotes; told by the
   * file when left out.
   */
  readonly quotes?: boolean | undefined;
}

/** Bytes that are read at once. */
const AT_ONCE = 2 ** 22;

export const isJsonLines = (file: string): boolean => /\.jsonl$/i.test(file);

/**
 * The rows of a file of texts: an object a line of .jsonl, otherwise values that are
 * separated by tabs, or in a .csv by commas, with quotes as writers of CSV put them.
 *
 * @throws DATA_FORMAT, also where quotes may mean two things
 */
export function readTextRows(file: string, stated: Stated): Sheet {
  if (isJsonLines(file)) return readJsonLines(file);
  const { header } = stated;
  const isCsv = /\.csv$/i.test(file);
  const delimiter = stated.delimiter ?? (isCsv ? "," : "\t");
  const quotes = stated.quotes ?? (isCsv || quotesAnything(file, delimiter));
  const sheet = readCsv(file, { delimiter, header, skip: 0, quotes, hint });
  if (stated.quotes === undefined && delimiter === "\t") refuseSpanning(sheet);
  return sheet;
}

const hint =
  "Check delimiter and header. State quotes: false where quotes are part of the texts, and nothing stands in them.";

/** Whether a value begins with a quote: a quote in the midst of a text says nothing. */
function quotesAnything(file: string, delimiter: string): boolean {
  for (const line of linesOf(file))
    if (line.startsWith('"') || line.includes(`${delimiter}"`)) return true;
  return false;
}

/**
 * Two lines of a file without quoting can read like one text: it begins one with a
 * quote, and the next ends with one.
 */
function refuseSpanning(sheet: Sheet): void {
  const spans = (c: unknown) =>
    typeof c === "string" && /\n/.test(c) && /\t/.test(c);
  const first = sheet.columns
    .map((_, column) => cellsAt(sheet, column).findIndex(spans))
    .filter((row) => row >= 0)
    .sort((a, b) => a - b)[0];
  if (first !== undefined)
    throw new AssayError(
      "DATA_FORMAT",
      `${sheet.place(first)} ends a text with tabs and line breaks in it, or several lines whose quotes are part of texts`,
      "State quotes: true or quotes: false.",
    );
}

/** An object a line. The columns are the keys of all, in the order they come. */
function readJsonLines(file: string): Sheet {
  const place = (line: number) => `${file}, line ${line}`;
  const objects: Map<string, Cell>[] = [];
  const numbers: number[] = [];
  let number = 0;
  for (const line of linesOf(file)) {
    number++;
    if (line.trim() === "") continue;
    objects.push(objectOf(line, place(number)));
    numbers.push(number);
  }
  const columns = [...new Set(objects.flatMap((object) => [...object.keys()]))];
  return {
    name: basename(file).replace(/\.jsonl$/i, ""),
    file,
    columns,
    ...ofRows(objects.map((object) => columns.map((key) => object.get(key)))),
    place: (row) => (row in numbers ? place(numbers[row]!) : file),
  };
}

/** The lines of a file, of which but a part is in memory. */
function* linesOf(file: string): Generator<string> {
  const size = fileSize(file);
  const decoder = new TextDecoder();
  let rest = "";
  for (let at = 0; at < size; at += AT_ONCE) {
    const bytes = readBytes(file, at, AT_ONCE);
    const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split(
      "\n",
    );
    rest = lines.pop() as string;
    yield* lines;
  }
  yield rest + decoder.decode();
}

function objectOf(line: string, place: string): Map<string, Cell> {
  let why = "it is no object";
  try {
    const value: unknown = JSON.parse(line);
    if (value !== null && typeof value === "object" && !Array.isArray(value))
      return new Map(Object.entries(value));
  } catch (error) {
    why = messageOf(error);
  }
  throw new UsageError(
    "DATA_FORMAT",
    `${place} cannot be read as JSON: ${why}`,
    'Write an object a line, such as {"text": "fine", "label": 1}.',
  );
}
