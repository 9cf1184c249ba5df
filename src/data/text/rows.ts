import { basename } from "node:path";
import { AssayError, messageOf, readFile, UsageError } from "#core";
import type { Cell } from "../columns.ts";
import { cellsAt, ofRows, type Sheet } from "../sheet.ts";
import { readCsv } from "../sources/csv.ts";

interface Stated {
  readonly header: boolean;
  readonly delimiter?: string | undefined;
  /**
   * Whether a text that begins with a quote stands in quotes; told by the
   * file when left out.
   */
  readonly quotes?: boolean | undefined;
}

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
  const text = new TextDecoder().decode(readFile(file));
  return (
    ["\n", delimiter].some((before) => text.includes(`${before}"`)) ||
    text.startsWith('"')
  );
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
  const lines = new TextDecoder()
    .decode(readFile(file))
    .split("\n")
    .map((line, i) => ({ line, place: `${file}, line ${i + 1}` }))
    .filter(({ line }) => line.trim() !== "");
  const objects = lines.map(({ line, place }) => objectOf(line, place));
  const columns = [...new Set(objects.flatMap((object) => [...object.keys()]))];
  return {
    name: basename(file).replace(/\.jsonl$/i, ""),
    file,
    columns,
    ...ofRows(objects.map((object) => columns.map((key) => object.get(key)))),
    place: (row) => lines[row]?.place ?? file,
  };
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
