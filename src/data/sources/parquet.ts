import { basename, resolve } from "node:path";
import * as zlib from "node:zlib";
import {
  type Compressors,
  parquetMetadata,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { z } from "zod";
import { AssayError, messageOf, readFile } from "#core";
import { type Cell, samplesOf } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { saysWhatIsRight, tableKeys } from "../table-spec.ts";

/** The most cells of one file. */
const LARGEST = 2 ** 28;

/** A table in an Apache Parquet file, with flat columns of numbers, text or booleans. */
export const parquet = defineSource({
  schema: z
    .strictObject({
      source: z.literal("parquet"),
      path: z.string().min(1).describe("Path of the file."),
      ...tableKeys,
    })
    .refine(...saysWhatIsRight)
    .describe("Rows of a table in a Parquet file."),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const bytes = readFile(file);
    const buffer = Uint8Array.from(bytes).buffer;
    try {
      const metadata = parquetMetadata(buffer);
      const columns = parquetSchema(metadata).children.map(
        ({ element }) => element.name,
      );
      const count = Number(metadata.num_rows) * columns.length;
      if (!(count <= LARGEST))
        throw new Error(`it declares ${count} cells, more than ${LARGEST}`);
      const rows = await parquetReadObjects({
        file: buffer,
        metadata,
        compressors,
      });
      return samplesOf(
        {
          name: basename(file).replace(/\.parquet$/i, ""),
          file,
          columns,
          rows: rows.map((row) => columns.map((name) => row[name] as Cell)),
          place: (row) => `${file}, row ${row + 1}`,
        },
        spec,
      );
    } catch (error) {
      if (error instanceof AssayError) throw error;
      throw new AssayError(
        "DATA_FORMAT",
        `${file} cannot be read as Parquet: ${messageOf(error)}`,
        "Write it again with flat columns, plain or compressed by Snappy, gzip, Brotli or zstd.",
        { cause: error },
      );
    }
  },
});

/** Beside Snappy, which the reader knows by itself; no page unpacks to more than its header declares. */
const limited =
  (
    unpack: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer,
  ) =>
  (bytes: Uint8Array, length: number): Uint8Array =>
    unpack(bytes, { maxOutputLength: Math.max(1, length) });

const compressors: Compressors = {
  GZIP: limited(zlib.gunzipSync),
  BROTLI: limited(zlib.brotliDecompressSync),
  // Node has it from 22.15 on.
  ...("zstdDecompressSync" in zlib
    ? { ZSTD: limited(zlib.zstdDecompressSync as typeof zlib.gunzipSync) }
    : {}),
};
