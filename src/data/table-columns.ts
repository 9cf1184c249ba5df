import { UsageError } from "#core";
import type { ColumnSpec } from "#tables";
import { NumberColumn } from "./columns.ts";
import {
  answersIn,
  cellsOf,
  inOrder,
  numbersOf,
  placeOf,
  type Rows,
  type Sheet,
  textsIn,
} from "./sheet.ts";
import type { TableSpec } from "./table-spec.ts";

/** Beyond this float32 cannot tell neighbouring whole numbers apart. */
const MOST_WHOLE = 2 ** 22;

export type Columns = NonNullable<TableSpec["columns"]>;
type Stated = Columns extends ReadonlyMap<string, infer V> ? V : never;

/** What a column is stated to be. */
const statedAs = (stated: Stated) =>
  typeof stated === "string" ? { type: stated } : stated;

/** What a first pass over a table finds. */
export interface Found {
  /** The columns that say what is right for each row, and in which part it is. */
  readonly answers: Sheet;
  /** Values of categories and ranges of numbers that nobody states. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
  readonly ranges: ReadonlyMap<string, readonly [number, number]>;
}

/** Reads all rows once, and holds but what is right for each. */
export async function foundIn(
  rows: Rows,
  named: Columns,
  spec: TableSpec,
): Promise<Found> {
  const values = new Map<string, Set<string>>();
  const ranges = new Map<string, [number, number]>();
  for (const [name, stated] of named) {
    const one = statedAs(stated);
    if (one.type !== "category" && !("range" in one && one.range))
      ranges.set(name, [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    if (one.type === "category" && !("values" in one && one.values))
      values.set(name, new Set());
  }
  const right = new Answers(spec);
  const names = [...right.names, ...values.keys(), ...ranges.keys()];
  for await (const part of rows.parts([...new Set(names)])) {
    right.add(part);
    for (const [name, known] of values)
      for (const text of cellsOf(part, name)) known.add(text);
    for (const [name, range] of ranges)
      for (const v of numbersOf(part, name)) {
        if (v < range[0]) range[0] = v;
        if (v > range[1]) range[1] = v;
      }
  }
  return { answers: right.sheet(rows), values, ranges };
}

/** Columns that say what is right, put together of parts. */
class Answers {
  readonly names: readonly string[];
  readonly #columns: readonly (NumberColumn | string[])[];
  /** Each text once: a class has many rows. */
  readonly #texts = new Map<string, string>();
  #count = 0;

  constructor(spec: TableSpec) {
    this.names = answersIn(spec);
    const numbers = new Set([spec.labels ?? [], spec.targets ?? []].flat());
    this.#columns = this.names.map((name) =>
      numbers.has(name) ? new NumberColumn() : [],
    );
  }

  add(part: Sheet): void {
    this.#count += part.count;
    for (const [i, column] of this.#columns.entries()) {
      const name = this.names[i]!;
      if (column instanceof NumberColumn)
        for (const value of numbersOf(part, name)) column.push(value);
      else
        for (const text of textsIn(part, placeOf(part, name)))
          column.push(this.#once(text));
    }
  }

  #once(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }

  sheet = ({ name, file, place }: Rows): Sheet => ({
    name,
    file,
    place,
    columns: this.names,
    count: this.#count,
    cells: (column) => this.#columns[column] ?? [],
  });
}

/**
 * A column as it is stated, or found.
 *
 * @throws DATA_COLUMN
 */
export function columnOf(
  file: string,
  name: string,
  stated: Stated,
  found: Found,
): ColumnSpec {
  const one = statedAs(stated);
  const change = "change" in one ? one.change : "any";
  if (one.type === "category") {
    const values =
      ("values" in one ? one.values : undefined) ??
      inOrder([...(found.values.get(name) ?? [])]);
    if (values.length > 1024)
      throw new UsageError(
        "DATA_COLUMN",
        `column "${name}" of ${file} has ${values.length} different values, expected at most 1024`,
        "Declare it as a number, or leave it out.",
      );
    return { name, kind: "category", range: [0, 1], values, change };
  }
  const range =
    ("range" in one ? one.range : undefined) ??
    (found.ranges.get(name) as [number, number]);
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
