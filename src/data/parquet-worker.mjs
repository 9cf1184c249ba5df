// Reads Parquet files in a thread of its own; plain JavaScript, so that it runs from
// source and from the package alike. See in-thread.ts.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import * as zlib from "node:zlib";
import { parquetMetadataAsync, parquetRead, parquetSchema } from "hyparquet";
import { cellsAsSent, ownedBy } from "./cells.mjs";

/** More cells than these are read column by column. */
const MANY = 2 ** 21;

/** No page unpacks to more than its header declares. */
const limited = (unpack) => (bytes, length) =>
  unpack(bytes, { maxOutputLength: Math.max(1, length) });

parentPort.on("message", async (asked) => {
  parentPort.postMessage("begun");
  let number;
  try {
    number = openSync(asked.file, "r");
    const { content, owned } = await contentOf(inParts(number), asked);
    parentPort.postMessage(content, owned);
  } catch (error) {
    parentPort.postMessage({
      why: error instanceof Error ? error.message : String(error),
    });
  } finally {
    if (number !== undefined) closeSync(number);
  }
});

/** A file of which as much is read as is asked for. */
function inParts(number) {
  const byteLength = fstatSync(number).size;
  return {
    byteLength,
    slice(from, to = byteLength) {
      const bytes = new Uint8Array(
        Math.max(0, Math.min(to, byteLength) - from),
      );
      let count = 0;
      while (count < bytes.length) {
        const left = bytes.length - count;
        const more = readSync(number, bytes, count, left, from + count);
        if (more === 0) throw new Error("it ends too soon");
        count += more;
      }
      return bytes.buffer;
    },
  };
}

/** What the file says of itself, or columns of some rows. */
async function contentOf(file, { names, from, to, isBinary, mostCells }) {
  const metadata = await parquetMetadataAsync(file);
  const groups = metadata.row_groups.map((group) => Number(group.num_rows));
  const rows = groups.reduce((sum, count) => sum + count, 0);
  const columns = parquetSchema(metadata).children.map((c) => c.element.name);
  if (!names) {
    if (rows !== Number(metadata.num_rows) || groups.some((n) => !(n >= 0)))
      throw new Error(`its groups have ${rows} of ${metadata.num_rows} rows`);
    if (!(rows <= mostCells))
      throw new Error(`it declares ${rows} rows, more than ${mostCells}`);
    const said = metadata.key_value_metadata?.find(
      ({ key }) => key === "huggingface",
    );
    return { content: { columns, groups, notes: said?.value } };
  }
  const cells = (to - from) * names.length;
  if (!(cells <= mostCells))
    throw new Error(
      `${cells} cells stand in one group of rows, more than ${mostCells}`,
    );
  const compressors = await compressorsFor(metadata);
  const columnsOf = async (some) => {
    const found = new Map(some.map((name) => [name, []]));
    await parquetRead({
      file,
      metadata,
      columns: some,
      rowStart: from,
      rowEnd: to,
      utf8: !isBinary,
      compressors,
      onChunk: (chunk) => found.get(chunk.columnName)?.push(chunk),
    });
    return some.map((name) => column(found.get(name), from, to));
  };
  const content = [];
  // Of many cells no more is unpacked at once than one column of them.
  const each = cells > MANY ? 1 : Math.max(1, names.length);
  for (let i = 0; i < names.length; i += each)
    content.push(...(await columnsOf(names.slice(i, i + each))));
  if (isBinary)
    return { content: { cells: content.map((cells) => cells.map(bytesIn)) } };
  return { content: { cells: content }, owned: ownedBy(content) };
}

/** Beside Snappy, which the reader knows by itself. */
async function compressorsFor(metadata) {
  const codecs = new Set(
    metadata.row_groups.flatMap((group) =>
      group.columns.map((c) => c.meta_data?.codec),
    ),
  );
  // Slow to load, and most files need none of them.
  const more = ["ZSTD", "LZ4", "LZ4_RAW"].some((codec) => codecs.has(codec))
    ? await import("hyparquet-compressors")
    : undefined;
  return {
    GZIP: limited(zlib.gunzipSync),
    BROTLI: limited(zlib.brotliDecompressSync),
    ...(more && {
      ZSTD: (bytes, length) =>
        more.decompressZstd(bytes, new Uint8Array(length)),
      LZ4: more.decompressLz4,
      LZ4_RAW: more.decompressLz4Raw,
    }),
  };
}

/**
 * The bytes of a cell, or of its field `bytes`: a copy, since what they are part of
 * may be large.
 */
function bytesIn(cell) {
  const bytes = cell?.bytes ?? cell;
  return bytes instanceof Uint8Array ? bytes.slice() : undefined;
}

function column(chunks, from, to) {
  const cells = new Array(to - from);
  let count = 0;
  for (const { columnData, rowStart } of chunks)
    for (let i = 0; i < columnData.length; i++) {
      const at = rowStart + i - from;
      if (!(at >= 0 && at < cells.length)) continue;
      cells[at] = columnData[i];
      count++;
    }
  if (count !== cells.length)
    throw new Error(`a column has ${count} values in ${cells.length} rows`);
  return cellsAsSent(cells);
}
