// Reads a Parquet file in a thread of its own; plain JavaScript, so that it runs
// from source and from the package alike. See parquet.ts.
import { parentPort, workerData } from "node:worker_threads";
import * as zlib from "node:zlib";
import { parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";

/** No page unpacks to more than its header declares. */
const limited = (unpack) => (bytes, length) =>
  unpack(bytes, { maxOutputLength: Math.max(1, length) });

const { bytes, mostCells } = workerData;
const file = bytes.buffer.slice(
  bytes.byteOffset,
  bytes.byteOffset + bytes.byteLength,
);
const metadata = parquetMetadata(file);
const columns = parquetSchema(metadata).children.map((c) => c.element.name);
const cells = Number(metadata.num_rows) * columns.length;
if (!(cells <= mostCells))
  throw new Error(`it declares ${cells} cells, more than ${mostCells}`);
const rows = await parquetReadObjects({
  file,
  metadata,
  // Beside Snappy, which the reader knows by itself.
  compressors: {
    GZIP: limited(zlib.gunzipSync),
    BROTLI: limited(zlib.brotliDecompressSync),
    // Node has it from 22.15 on.
    ...(zlib.zstdDecompressSync
      ? { ZSTD: limited(zlib.zstdDecompressSync) }
      : {}),
  },
});
parentPort.postMessage({
  columns,
  rows: rows.map((row) => columns.map((name) => row[name])),
});
