// Reads Parquet files in a thread of its own; plain JavaScript, so that it runs from
// source and from the package alike. See in-thread.ts.
import { parentPort } from "node:worker_threads";
import * as zlib from "node:zlib";
import { parquetMetadata, parquetRead, parquetSchema } from "hyparquet";

/** No page unpacks to more than its header declares. */
const limited = (unpack) => (bytes, length) =>
  unpack(bytes, { maxOutputLength: Math.max(1, length) });

parentPort.on("message", async ({ bytes, mostCells }) => {
  parentPort.postMessage("begun");
  try {
    parentPort.postMessage(await contentOf(bytes, mostCells));
  } catch (error) {
    parentPort.postMessage({
      why: error instanceof Error ? error.message : String(error),
    });
  }
});

async function contentOf(bytes, mostCells) {
  const file = bytes.buffer.slice(
    bytes.byteOffset,
    bytes.byteOffset + bytes.byteLength,
  );
  const metadata = parquetMetadata(file);
  const columns = parquetSchema(metadata).children.map((c) => c.element.name);
  const cells = Number(metadata.num_rows) * columns.length;
  if (!(cells <= mostCells))
    throw new Error(`it declares ${cells} cells, more than ${mostCells}`);
  const codecs = new Set(
    metadata.row_groups.flatMap((group) =>
      group.columns.map((c) => c.meta_data?.codec),
    ),
  );
  // Slow to load, and most files need none of them.
  const more = ["ZSTD", "LZ4", "LZ4_RAW"].some((codec) => codecs.has(codec))
    ? await import("hyparquet-compressors")
    : undefined;
  const content = { columns, rows: [] };
  await parquetRead({
    file,
    metadata,
    columns,
    // Beside Snappy, which the reader knows by itself.
    compressors: {
      GZIP: limited(zlib.gunzipSync),
      BROTLI: limited(zlib.brotliDecompressSync),
      ...(more && {
        ZSTD: (bytes, length) =>
          more.decompressZstd(bytes, new Uint8Array(length)),
        LZ4: more.decompressLz4,
        LZ4_RAW: more.decompressLz4Raw,
      }),
    },
    // Lists, since a column may have any name.
    rowFormat: "array",
    onComplete(rows) {
      content.rows = rows;
    },
  });
  return content;
}
