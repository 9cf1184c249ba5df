import { AssayError, nearest, UsageError } from "#core";
import { tensor } from "#onnx";
import { type Cell, NUMBER, NumberColumn, type Numbers } from "./columns.ts";
import type { Part } from "./dataset.ts";
import { partNamed } from "./parts.ts";
import type { SourceSamples } from "./source.ts";
import type { TableSpec } from "./table-spec.ts";

/** Rows of a file, as they were read. */
export interface Sheet {
  readonly name: string;
  readonly file: string;
  readonly columns: readonly string[];
  /** How many rows. */
  readonly count: number;
  /** The cells of a column; numbers of one that was asked for as numbers. */
  cells(column: number): readonly Cell[] | Numbers;
  /** How a message names a row, counted from 0. */
  place(row: number): string;
}

/** A file of rows that is read some rows at a time, as often as it is asked for. */
export interface Rows extends Pick<Sheet, "name" | "file" | "columns"> {
  /** All rows in order, some at a time, with the named columns. */
  parts(names: readonly string[]): AsyncIterable<Sheet> | Iterable<Sheet>;
  /** How a message names a row that was read, counted from 0. */
  place(row: number): string;
}

/** Rows of cells as a sheet has them, column by column. */
export const ofRows = (
  rows: readonly (readonly Cell[])[],
): Pick<Sheet, "count" | "cells"> => ({
  count: rows.length,
  cells: (column) => rows.map((row) => row[column]),
});

/** The cells of a column that is not read as numbers. */
export const cellsAt = (sheet: Sheet, column: number): readonly unknown[] => {
  const cells = sheet.cells(column);
  return "odd" in cells ? textsIn(sheet, column) : cells;
};

/** The columns that say what is right for a row, and in which part it is. */
export const answersIn = ({
  label,
  labels,
  targets,
  split,
}: Pick<TableSpec, "label" | "labels" | "targets" | "split">): string[] =>
  [label ?? [], labels ?? [], targets ?? [], split ?? []].flat();

/** The columns of a table that are read as numbers, by their names. */
export function numbersIn({
  columns,
  label,
  labels,
  targets,
  split,
}: TableSpec): (name: string) => boolean {
  const texts = new Set([label ?? [], split ?? []].flat());
  const numbers = new Set([labels ?? [], targets ?? []].flat());
  return (name) => {
    if (texts.has(name)) return false;
    if (!columns || numbers.has(name)) return true;
    const stated = columns.get(name);
    const type = typeof stated === "object" ? stated.type : stated;
    return type !== undefined && type !== "category";
  };
}

const MISSING = new Set(["", "na", "n/a", "nan", "<na>", "null", "none", "?"]);

/** Refuses a column that is most likely the number of its row. */
export function requireNames({
  columns,
  file,
}: Pick<Sheet, "columns" | "file">): void {
  const at = columns.indexOf("");
  if (at < 0) return;
  throw new UsageError(
    "DATA_COLUMN",
    `column ${at + 1} of ${file} has no name, as the index that pandas writes beside its columns`,
    "State columns, or leave it out of the file (to_csv(index=False)).",
  );
}

/** Places of columns by their names: a file may have thousands. */
const places = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

/** Where a column stands in the file. */
export function placeOf(
  { columns, file }: Pick<Sheet, "columns" | "file">,
  name: string,
): number {
  const known =
    places.get(columns) ??
    // Of columns of one name the first counts.
    new Map(columns.map((c, i) => [c, i] as const).reverse());
  places.set(columns, known);
  const at = known.get(name);
  if (at !== undefined) return at;
  const meant = nearest(name, columns);
  throw new UsageError(
    "DATA_COLUMN",
    `${file} has no column "${name}"`,
    `${meant ? `Did you mean "${meant}"? ` : ""}Its columns are: ${columns.slice(0, 20).join(", ")}${columns.length > 20 ? " ..." : ""}.`,
  );
}

/** What is wrong with a cell. */
export const wrong = (
  sheet: Sheet,
  row: number,
  column: string,
  what: string,
  hint = "Correct the value, or remove the row.",
) =>
  new AssayError(
    "DATA_CELL",
    `${sheet.place(row)}, column "${column}" ${what}`,
    hint,
  );

/**
 * The values of a column, none of them missing; what is called by name is there, were
 * it called NA.
 */
export function cellsOf(
  sheet: Sheet,
  name: string,
  named: readonly string[] = [],
): string[] {
  const at = placeOf(sheet, name);
  return textsIn(sheet, at).map((text, i) => {
    if (!named.includes(text)) requireValue(sheet, i, name, text);
    return text;
  });
}

function requireValue(
  sheet: Sheet,
  row: number,
  name: string,
  text: string,
): void {
  if (!MISSING.has(text.toLowerCase())) return;
  throw wrong(
    sheet,
    row,
    name,
    `has no value (${text === "" ? "it is empty" : text})`,
    text === ""
      ? undefined
      : `Correct the value, or remove the row. Where "${text}" is a name, list it with the others: as values of the category, or classes of the label.`,
  );
}

/** A boolean has the name that Python has for it, whatever file it is from. */
function textOf(cell: Cell): string {
  if (typeof cell === "boolean") return cell ? "True" : "False";
  return String(cell ?? "").trim();
}

/** The cells of a column as texts. */
export function textsIn(sheet: Sheet, at: number): string[] {
  const cells = sheet.cells(at);
  return "odd" in cells
    ? Array.from(cells.values, (v, i) => cells.odd.get(i) ?? String(v))
    : cells.map(textOf);
}

/** The numbers of a column, none of them missing. */
export function numbersOf(sheet: Sheet, name: string): Float64Array {
  const cells = sheet.cells(placeOf(sheet, name));
  const { values, odd } = "odd" in cells ? cells : asNumbers(cells.map(textOf));
  for (const [row, text] of odd) requireValue(sheet, row, name, text);
  for (const [row, text] of odd) {
    if (/^(true|false)$/i.test(text)) {
      values[row] = /^t/i.test(text) ? 1 : 0;
      continue;
    }
    throw wrong(
      sheet,
      row,
      name,
      `has "${text.slice(0, 40)}", expected a number`,
    );
  }
  return values;
}

function asNumbers(texts: readonly string[]): Numbers {
  const column = new NumberColumn();
  for (const text of texts) column.add(text);
  return column;
}

/**
 * The values of a column, each once: by size where all are numbers, by code units
 * otherwise, as pandas and scikit-learn sort them.
 */
export function inOrder(cells: readonly string[]): string[] {
  const values = [...new Set(cells)];
  return values.every((text) => NUMBER.test(text))
    ? values.sort((a, b) => Number(a) - Number(b))
    : values.sort();
}

/** The part of a split that each row is in, by a column of their names. */
export const partsOf = (sheet: Sheet, name: string): Part[] =>
  cellsOf(sheet, name).map((text, i) => {
    const part = partNamed(text);
    if (part) return part;
    const seen = `has "${text.slice(0, 40)}", expected train, validation or test`;
    throw wrong(sheet, i, name, seen);
  });

/** What is right for each row. */
export function answersOf(
  sheet: Sheet,
  spec: Pick<TableSpec, "label" | "labels" | "targets" | "classes">,
): Pick<SourceSamples, "y" | "classes" | "targets"> {
  const n = sheet.count;
  const names = spec.labels ?? spec.targets;
  if (names) {
    const data = new Float32Array(n * names.length);
    for (const [k, name] of names.entries())
      numbersOf(sheet, name).forEach((value, i) => {
        if (spec.labels && value !== 0 && value !== 1)
          throw wrong(sheet, i, name, `has ${value}, expected 0 or 1`);
        data[i * names.length + k] = value;
      });
    return {
      y: new Int32Array(n),
      classes: names,
      targets: tensor("float32", [n, names.length], data),
    };
  }
  const name = spec.label as string;
  const cells = cellsOf(sheet, name, spec.classes);
  const found = inOrder(cells);
  const classes = spec.classes ?? found;
  const numberOf = new Map(classes.map((one, k) => [one, k] as const));
  const byName = found.every((text) => numberOf.has(text));
  const y = Int32Array.from(cells, (text, i) => {
    if (byName) return numberOf.get(text) as number;
    const label = Number(text);
    if (Number.isInteger(label) && label >= 0 && label < classes.length)
      return label;
    throw wrong(
      sheet,
      i,
      name,
      `has "${text.slice(0, 40)}", which is neither a class (${classes.slice(0, 20).join(", ")}) nor its number`,
    );
  });
  return { y, classes };
}
