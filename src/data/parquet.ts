import { fileSize, readBytes } from "#core";
import type { Cell } from "./columns.ts";
import { type Cells, toldOf } from "./groups.ts";
import { MEMORY, MOST_CELLS, readInThread } from "./in-thread.ts";
import { threadsOf } from "./threads.ts";

const threads = threadsOf("src/data/parquet-worker.mjs", MEMORY);

/** What a file says of itself. */
export interface ParquetFile {
  readonly columns: readonly string[];
  /** Rows of each of its groups. */
  readonly groups: readonly number[];
  /** What the datasets of Hugging Face write of their columns, as JSON. */
  readonly notes?: string | undefined;
}

/** Reads the end of a Parquet file. Throws DATA_FORMAT, FILE_UNREADABLE. */
export function openParquet(file: string): Promise<ParquetFile> {
  readBytes(file, 0, 4);
  return ask<ParquetFile>(file, {});
}

/**
 * Some columns of the rows from one to before another. Nothing else of the file is
 * read; rows are unpacked by whole groups.
 *
 * @throws DATA_FORMAT
 */
export async function readColumns(
  file: string,
  names: readonly string[],
  from: number,
  to: number,
): Promise<Cells> {
  const asked = { names, from, to };
  const { cells } = await ask<{ cells: (Float64Array | Cell[])[] }>(
    file,
    asked,
  );
  return toldOf(names, cells);
}

/**
 * The bytes of some rows of a column, or of its field `bytes`; undefined for a row that
 * has none.
 *
 * @throws DATA_FORMAT
 */
export async function readBinary(
  file: string,
  name: string,
  from: number,
  to: number,
): Promise<readonly (Uint8Array | undefined)[]> {
  const asked = { names: [name], from, to, isBinary: true };
  const { cells } = await ask<{ cells: (Uint8Array | undefined)[][] }>(
    file,
    asked,
  );
  return cells[0] ?? [];
}

const ask = <Content extends object>(file: string, asked: object) =>
  readInThread<Content>(
    file,
    { ...asked, file, mostCells: MOST_CELLS },
    fileSize(file),
    {
      threads,
      format: "Parquet",
      hint: "Write it again with flat columns, plain or compressed by Snappy, gzip, Brotli, zstd or LZ4.",
    },
  );
