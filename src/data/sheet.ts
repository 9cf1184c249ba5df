import { AssayError, nearest, UsageError } from "#core";
import { tensor } from "#onnx";
import {
  type ColumnSpec,
  objection,
  scaled,
  type Table,
  tableOf,
} from "#tables";
import { type Cell, NUMBER, NumberColumn, type Numbers } from "./columns.ts";
import type { Part } from "./dataset.ts";
import { partNamed } from "./parts.ts";
import type { SourceSamples } from "./source.ts";
import type { TableSpec } from "./table-spec.ts";

/** A file of rows, as it was read. */
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

/** The most numbers of one dataset: 4 GiB as float32. */
const LARGEST = 2 ** 30;

/** Beyond this float32 cannot tell neighbouring whole numbers apart. */
const MOST_WHOLE = 2 ** 22;

const MISSING = new Set(["", "na", "n/a", "nan", "<na>", "null", "none", "?"]);

/**
 * The rows of a file as samples: columns typed, scaled to [0, 1] over their
 * ranges, categories as groups of one number a value.
 *
 * @throws AssayError with file, row and column for a missing or wrong value, and for a
 *   row that breaks a constraint
 */
export function samplesOf(sheet: Sheet, spec: TableSpec): SourceSamples {
  if (sheet.count === 0)
    throw new AssayError(
      "DATA_EMPTY",
      `${sheet.file} has no rows`,
      "Give a file with at least one row of each class.",
    );
  const right = [
    spec.label ?? [],
    spec.labels ?? [],
    spec.targets ?? [],
    spec.split ?? [],
  ].flat();
  for (const name of right) placeOf(sheet, name);
  if (!spec.columns) requireNames(sheet);
  const named =
    spec.columns ??
    new Map(
      sheet.columns
        .filter((name) => !right.includes(name))
        .map((name) => [name, "number" as const]),
    );
  const columns = Array.from(named, ([name, stated]) =>
    columnOf(sheet, name, stated),
  );
  const table = tableOf(
    columns,
    spec.constraints.map((one) =>
      typeof one === "string" ? { formula: one, tolerance: 0 } : one,
    ),
  );
  const x = valuesOf(sheet, table);
  return {
    name: sheet.name,
    x,
    ...answersOf(sheet, spec),
    parts: spec.split === undefined ? undefined : partsOf(sheet, spec.split),
    table: { ...table, units: spec.units },
    locate: (_part, sample) =>
      sample === undefined ? sheet.file : sheet.place(sample),
  };
}

/** Refuses a column that is most likely the number of its row. */
function requireNames({ columns, file }: Sheet): void {
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
export function placeOf({ columns, file }: Sheet, name: string): number {
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

const wrong = (
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
function cellsOf(
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
function textsIn(sheet: Sheet, at: number): string[] {
  const cells = sheet.cells(at);
  return "odd" in cells
    ? Array.from(cells.values, (v, i) => cells.odd.get(i) ?? String(v))
    : cells.map(textOf);
}

function numbersOf(sheet: Sheet, name: string): Float64Array {
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

type Columns = NonNullable<TableSpec["columns"]>;
type Stated = Columns extends ReadonlyMap<string, infer V> ? V : never;

function columnOf(sheet: Sheet, name: string, stated: Stated): ColumnSpec {
  const one = typeof stated === "string" ? { type: stated } : stated;
  const change = "change" in one ? one.change : "any";
  if (one.type === "category") {
    const values =
      ("values" in one ? one.values : undefined) ??
      inOrder(cellsOf(sheet, name));
    if (values.length > 1024)
      throw new UsageError(
        "DATA_COLUMN",
        `column "${name}" of ${sheet.file} has ${values.length} different values, expected at most 1024`,
        "Declare it as a number, or leave it out.",
      );
    return { name, kind: "category", range: [0, 1], values, change };
  }
  const range =
    ("range" in one ? one.range : undefined) ?? rangeOf(sheet, name);
  const [low, high] = range;
  const unfit =
    !(low <= high) ||
    (one.type === "integer" &&
      !(Number.isInteger(low) && high - low <= MOST_WHOLE));
  if (unfit)
    throw new UsageError(
      "DATA_COLUMN",
      `column "${name}" has the range [${low}, ${high}], expected the smallest value first${one.type === "integer" ? `, whole, and at most ${MOST_WHOLE} apart` : ""}`,
      "Correct the range, or declare the column as a number.",
    );
  return { name, kind: one.type, range, change };
}

function rangeOf(sheet: Sheet, name: string): [number, number] {
  const numbers = numbersOf(sheet, name);
  return [
    numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ];
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

/** Scaled rows [N, width]; every one of them is a row that there can be. */
function valuesOf(sheet: Sheet, table: Table) {
  const [n, width] = [sheet.count, table.features.length];
  if (n * width > LARGEST)
    throw new AssayError(
      "DATA_TOO_LARGE",
      `${sheet.file} has ${n} rows of ${width} numbers, expected at most ${LARGEST} numbers`,
      "Leave columns or rows out.",
    );
  const data = new Float32Array(n * width);
  for (const { name, kind, at, range, values = [] } of table.columns) {
    if (kind === "category") {
      const places = new Map(values.map((value, k) => [value, k]));
      cellsOf(sheet, name, values).forEach((text, i) => {
        const place = places.get(text);
        if (place === undefined)
          throw wrong(
            sheet,
            i,
            name,
            `has "${text.slice(0, 40)}", expected one of: ${values.slice(0, 20).join(", ")}`,
          );
        data[i * width + at + place] = 1;
      });
      continue;
    }
    const feature = table.features[at]!;
    numbersOf(sheet, name).forEach((value, i) => {
      if (!(value >= range[0] && value <= range[1]))
        throw wrong(
          sheet,
          i,
          name,
          `has ${value}, outside [${range.join(", ")}]`,
        );
      if (kind === "integer" && !Number.isInteger(value))
        throw wrong(sheet, i, name, `has ${value}, expected a whole number`);
      data[i * width + at] = scaled(feature, value);
    });
  }
  for (let i = 0; i < n; i++) {
    const row = data.subarray(i * width, (i + 1) * width);
    const why = objection(table, row, row);
    if (why !== null)
      throw new AssayError(
        "DATA_CONSTRAINT",
        `${sheet.place(i)} cannot be: ${why}`,
        "Correct the row, or the constraint (a tolerance may be missing).",
      );
  }
  return tensor("float32", [n, width], data);
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
