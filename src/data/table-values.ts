import { createHash } from "node:crypto";
import { AssayError } from "#core";
import { type FloatTensor, Streamed, tensor } from "#onnx";
import { objection, scaled, type Table, tableOf } from "#tables";
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
  numbersOf,
  partsOf,
  placeOf,
  type Rows,
  requireNames,
  type Sheet,
  wrong,
} from "./sheet.ts";
import type { SourceSamples } from "./source.ts";
import { type Columns, columnOf, foundIn } from "./table-columns.ts";
import type { TableSpec } from "./table-spec.ts";

/** The most numbers of one dataset: 4 GiB as float32. */
const LARGEST = 2 ** 30;

/**
 * The rows of a file as samples: columns typed, scaled to [0, 1] over their
 * ranges, categories as groups of one number a value.
 *
 * @throws AssayError with file, row and column for a missing or wrong value, and for a
 *   row that breaks a constraint
 */
export async function samplesOf(
  rows: Rows,
  spec: TableSpec,
): Promise<SourceSamples> {
  if (rows.columns.length === 0) throw noRows(rows);
  const right = answersIn(spec);
  for (const name of right) placeOf(rows, name);
  if (!spec.columns) requireNames(rows);
  const named: Columns =
    spec.columns ??
    new Map(
      rows.columns
        .filter((name) => !right.includes(name))
        .map((name) => [name, "number" as const]),
    );
  for (const name of named.keys()) placeOf(rows, name);
  const found = await foundIn(rows, named, spec);
  const { answers } = found;
  if (answers.count === 0) throw noRows(rows);
  const columns = Array.from(named, ([name, stated]) =>
    columnOf(rows.file, name, stated, found),
  );
  const table = tableOf(
    columns,
    spec.constraints.map((one) =>
      typeof one === "string" ? { formula: one, tolerance: 0 } : one,
    ),
  );
  const x = await valuesOf(rows, answers.count, table, spec);
  return {
    name: rows.name,
    x,
    ...answersOf(answers, spec),
    parts: spec.split === undefined ? undefined : partsOf(answers, spec.split),
    table: { ...table, units: spec.units },
    locate: (_part, sample) =>
      sample === undefined ? rows.file : rows.place(sample),
  };
}

const noRows = ({ file }: Rows) =>
  new AssayError(
    "DATA_EMPTY",
    `${file} has no rows`,
    "Give a file with at least one row of each class.",
  );

/**
 * Scaled rows [N, width]; every one of them is a row that there can be. Where they are
 * many and the disk has room they are kept there, and read as they are asked for.
 */
async function valuesOf(
  rows: Rows,
  n: number,
  table: Table,
  spec: TableSpec,
): Promise<FloatTensor> {
  const width = table.features.length;
  const size = 4 * width;
  const most = CACHE * 2 ** 30;
  if (n * size > memory.bytes && hasRoom(n, size, most)) {
    const stated = { ...spec, columns: spec.columns && [...spec.columns] };
    const key = keyOf([rows.file], { stated });
    const keeping = () => keepPixels(key, n, size, most);
    const known = recallPixels(key, n, size);
    const { file, hashes } = known?.file
      ? known
      : await keep(rows, n, table, keeping());
    if (file) return streamed(file, hashes, [n, width], rows);
  }
  if (n * width > LARGEST)
    throw new AssayError(
      "DATA_TOO_LARGE",
      `${rows.file} has ${n} rows of ${width} numbers, expected at most ${LARGEST} where the disk has no room for them`,
      "Leave columns or rows out, or make room in the user's folder for caches.",
    );
  const data = new Float32Array(n * width);
  let at = 0;
  for await (const part of scaledParts(rows, n, table)) {
    data.set(part, at);
    at += part.length;
  }
  return tensor("float32", [n, width], data);
}

/** The scaled rows of a table, some at a time, and as many as there were before. */
async function* scaledParts(rows: Rows, n: number, table: Table) {
  const names = table.columns.map(({ name }) => name);
  let left = n;
  for await (const part of rows.parts(names)) {
    left -= part.count;
    if (left < 0) break;
    yield rowsOf(part, table);
  }
  if (left !== 0)
    throw new AssayError(
      "DATA_CHANGED",
      `${rows.file} has another number of rows than the ${n} that were read before`,
      "Leave the data as it is while it is read, and start again.",
    );
}

async function keep(rows: Rows, n: number, table: Table, keeping: Keeping) {
  const width = table.features.length;
  const hashes = new Uint8Array(n * HASH);
  let at = 0;
  try {
    for await (const { buffer, byteLength } of scaledParts(rows, n, table)) {
      const bytes = new Uint8Array(buffer, 0, byteLength);
      keeping.add(bytes);
      for (let from = 0; from < byteLength; from += 4 * width, at++) {
        const row = bytes.subarray(from, from + 4 * width);
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
  { place }: Rows,
): FloatTensor {
  const [count, width] = dims;
  const refused = (why: string) =>
    new AssayError(
      "DATA_CHANGED",
      `${file} ${why}`,
      "Remove the file; the table is read again.",
    );
  const kept = rowsInFile(file, 0, {
    count,
    size: 4 * width,
    unread: (_, { why }) => refused(`cannot be read: ${why}`),
    changed: (row) => refused(`does not hold ${place(row)} as it was read`),
  });
  return new Streamed(
    dims,
    readRows(kept, hashes, undefined, (bytes, to, row) => {
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
