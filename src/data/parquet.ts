import { MEMORY, readInThread } from "./in-thread.ts";
import { threadsOf } from "./threads.ts";

const threads = threadsOf("src/data/parquet-worker.mjs", MEMORY);

/** Columns and rows of a Parquet file. Throws DATA_FORMAT. */
export const readParquet = (file: string) =>
  readInThread(file, {
    threads,
    format: "Parquet",
    hint: "Write it again with flat columns, plain or compressed by Snappy, gzip, Brotli, zstd or LZ4.",
  });
