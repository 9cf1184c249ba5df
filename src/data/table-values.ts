import { createHash } from "node:crypto";
import { AssayError, UsageError } from "#core";
import { type FloatTensor, Streamed, tensor } from "#onnx";
import {
  type ColumnSpec,
  objection,
  scaled,
  type Table,
  tableOf,
} from "#tables";
import { CACHE, memory } from "./image-files.ts";
import { keyOf } from "./image-stream.ts";
import {
  HASH,
  hasRoom,
  type Keeping,
  keepPixels,
  recallPixels,
} from "./pixel-cache.ts";
import { readRows, rowsInFile } from "./row-stream.ts";
import {
  answersIn,
  answersOf,
  cellsOf,
  inOrder,
  numbersOf,
  partsOf,
  placeOf,
  requireNames,
  type Sheet,
  wrong,
} from "./sheet.ts";
import type { SourceSamples } from "./source.ts";
import type { TableSpec } from "./table-spec.ts";

/** The most numbers of one dataset: 4 GiB as float32. */
const LARGEST = 2 ** 30;

/** Beyond this float32 cannot tell neighbouring whole numbers apart. */
const MOST_WHOLE = 2 ** 22;

/**
 * The rows of a file as samples: columns typed, scaled to [0, 1] over their
 * ranges, categories as groups of one number a value.
 *
 * @throws AssayError with file, row and column for a missing or wrong value, and for a
 *   row that breaks a constraint
 */
export async function samplesOf(
  sheet: Sheet,
  spec: TableSpec,
): Promise<SourceSamples> {
  if (sheet.count === 0)
    throw new AssayError(
      "DATA_EMPTY",
      `${sheet.file} has no rows`,
      "Give a file with at least one row of each class.",
    );
  const right = answersIn(spec);
  for (const name of right) placeOf(sheet, name);
  if (!spec.columns) requireNames(sheet);
  const named =
    spec.columns ??
    new Map(
      sheet.columns
        .filter((name) => !right.includes(name))
        .map((name) => [name, "number" as const]),
    );
  for (const name of named.keys()) placeOf(sheet, name);
  const seen = await seenIn(sheet, named);
  const columns = Array.from(named, ([name, stated]) =>
    columnOf(sheet, name, stated, seen),
  );
  const table = tableOf(
    columns,
    spec.constraints.map((one) =>
      typeof one === "string" ? { formula: one, tolerance: 0 } : one,
    ),
  );
  const x = await valuesOf(sheet, table, spec);
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

type Columns = NonNullable<TableSpec["columns"]>;
type Stated = Columns extends ReadonlyMap<string, infer V> ? V : never;

/** What a column is stated to be. */
const statedAs = (stated: Stated) =>
  typeof stated === "string" ? { type: stated } : stated;

/** What columns have in the file, where nobody states it. */
interface Seen {
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
  readonly ranges: ReadonlyMap<string, readonly [number, number]>;
}

async function seenIn(sheet: Sheet, named: Columns): Promise<Seen> {
  const values = new Map<string, Set<string>>();
  const ranges = new Map<string, [number, number]>();
  for (const [name, stated] of named) {
    const one = statedAs(stated);
    if (one.type !== "category" && !("range" in one && one.range))
      ranges.set(name, [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    if (one.type === "category" && !("values" in one && one.values))
      values.set(name, new Set());
  }
  const open = [...values.keys(), ...ranges.keys()];
  if (open.length === 0) return { values, ranges };
  for await (const part of partsIn(sheet, open)) {
    for (const [name, known] of values)
      for (const text of cellsOf(part, name)) known.add(text);
    for (const [name, range] of ranges)
      for (const v of numbersOf(part, name)) {
        if (v < range[0]) range[0] = v;
        if (v > range[1]) range[1] = v;
      }
  }
  return { values, ranges };
}

const partsIn = (sheet: Sheet, names: readonly string[]) =>
  sheet.parts?.(names) ?? [sheet];

function columnOf(
  sheet: Sheet,
  name: string,
  stated: Stated,
  seen: Seen,
): ColumnSpec {
  const one = statedAs(stated);
  const change = "change" in one ? one.change : "any";
  if (one.type === "category") {
    const values =
      ("values" in one ? one.values : undefined) ??
      inOrder([...(seen.values.get(name) ?? [])]);
    if (values.length > 1024)
      throw new UsageError(
        "DATA_COLUMN",
        `column "${name}" of ${sheet.file} has ${values.length} different values, expected at most 1024`,
        "Declare it as a number, or leave it out.",
      );
    return { name, kind: "category", range: [0, 1], values, change };
  }
  const range =
    ("range" in one ? one.range : undefined) ??
    (seen.ranges.get(name) as [number, number]);
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

/**
 * Scaled rows [N, width]; every one of them is a row that there can be. Where they are
 * many and the disk has room they are kept there, and read as they are asked for.
 */
async function valuesOf(
  sheet: Sheet,
  table: Table,
  spec: TableSpec,
): Promise<FloatTensor> {
  const [n, width] = [sheet.count, table.features.length];
  const size = 4 * width;
  const most = CACHE * 2 ** 30;
  if (n * size > memory.bytes && hasRoom(n, size, most)) {
    const stated = { ...spec, columns: spec.columns && [...spec.columns] };
    const key = keyOf([sheet.file], { stated });
    const keeping = () => keepPixels(key, n, size, most);
    const known = recallPixels(key, n, size);
    const { file, hashes } = known?.file
      ? known
      : await keep(sheet, table, keeping());
    if (file) return streamed(file, hashes, [n, width], sheet);
  }
  if (n * width > LARGEST)
    throw new AssayError(
      "DATA_TOO_LARGE",
      `${sheet.file} has ${n} rows of ${width} numbers, expected at most ${LARGEST} where the disk has no room for them`,
      "Leave columns or rows out, or make room in the user's folder for caches.",
    );
  const data = new Float32Array(n * width);
  let at = 0;
  for await (const part of partsIn(sheet, namesOf(table))) {
    data.set(rowsOf(part, table), at);
    at += part.count * width;
  }
  return tensor("float32", [n, width], data);
}

const namesOf = ({ columns }: Table) => columns.map(({ name }) => name);

async function keep(sheet: Sheet, table: Table, keeping: Keeping) {
  const width = table.features.length;
  const hashes = new Uint8Array(sheet.count * HASH);
  let at = 0;
  try {
    for await (const part of partsIn(sheet, namesOf(table))) {
      const data = rowsOf(part, table);
      const bytes = new Uint8Array(data.buffer, 0, data.byteLength);
      keeping.add(bytes);
      for (let i = 0; i < part.count; i++, at++) {
        const row = bytes.subarray(4 * i * width, 4 * (i + 1) * width);
        hashes.set(createHash("sha256").update(row).digest(), at * HASH);
      }
    }
  } catch (error) {
    keeping.drop();
    throw error;
  }
  return keeping.end(hashes);
}

/** Rows of a file of scaled ones. */
function streamed(
  file: string,
  hashes: Uint8Array,
  dims: readonly [number, number],
  sheet: Sheet,
): FloatTensor {
  const [count, width] = dims;
  const refused = (why: string) =>
    new AssayError(
      "DATA_CHANGED",
      `${file} ${why}`,
      "Remove the file; the table is read again.",
    );
  const rows = rowsInFile(file, 0, {
    count,
    size: 4 * width,
    unread: (_, { why }) => refused(`cannot be read: ${why}`),
    changed: (row) =>
      refused(`does not hold ${sheet.place(row)} as it was read`),
  });
  return new Streamed(
    dims,
    readRows(rows, hashes, undefined, (bytes, to, row) => {
      const { buffer, byteOffset, length } = bytes;
      to.set(new Float32Array(buffer, byteOffset, length / 4), row * width);
    }),
  );
}

/** The scaled rows of a part of a table. */
function rowsOf(sheet: Sheet, table: Table): Float32Array {
  const [n, width] = [sheet.count, table.features.length];
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
  return data;
}
