import { readInThread } from "./in-thread.ts";

/** Columns and rows of a Parquet file. Throws DATA_FORMAT. */
export const readParquet = (file: string) =>
  readInThread(file, {
    worker: "src/data/parquet-worker.mjs",
    format: "Parquet",
    hint: "Write it again with flat columns, plain or compressed by Snappy, gzip, Brotli, zstd or LZ4.",
  });
