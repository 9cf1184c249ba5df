// Reads Arrow files and streams in a thread of its own; plain JavaScript, so that it
// runs from source and from the package alike. See in-thread.ts.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import {
  CompressionType,
  setCompressionCodec,
  Type,
  tableFromIPC,
} from "@uwdata/flechette";
import { decompressZstd } from "hyparquet-compressors";
import lz4 from "lz4js";
import { messagesOf } from "./arrow-messages.mjs";
import { cellsAsSent, ownedBy } from "./cells.mjs";

/** What is read at once unpacks to less: 4 GiB. */
const LARGEST = 2 ** 32;

/** What a cell can be made of. Times have no number that everyone means. */
const flat = new Set([
  Type.Bool,
  Type.Decimal,
  Type.Dictionary,
  Type.Float,
  Type.Int,
  Type.LargeUtf8,
  Type.Null,
  Type.Utf8,
  Type.Utf8View,
]);

parentPort.on("message", (asked) => {
  parentPort.postMessage("begun");
  let number;
  try {
    number = openSync(asked.file, "r");
    total = 0;
    const content = contentOf(number, asked);
    parentPort.postMessage(content, ownedBy(content.cells ?? []));
  } catch (error) {
    parentPort.postMessage({
      why: error instanceof Error ? error.message : String(error),
    });
  } finally {
    if (number !== undefined) closeSync(number);
  }
});

/** Unpacks to as many bytes as a buffer declares, and no more. */
let total = 0;
const exactly = (unpack) => (packed, length) => {
  total += length;
  if (!(length >= 0 && total <= LARGEST))
    throw new Error(`a buffer declares ${length} bytes`);
  const unpacked = unpack(packed, length);
  if (unpacked.length !== length)
    throw new Error(`a buffer has ${unpacked.length} bytes, not ${length}`);
  return unpacked;
};

setCompressionCodec(CompressionType.LZ4_FRAME, {
  decode: exactly((packed, length) => lz4.decompress(packed, length)),
});
setCompressionCodec(CompressionType.ZSTD, {
  decode: exactly((packed, length) =>
    decompressZstd(packed, new Uint8Array(length)),
  ),
});

/** What the file says of itself, or columns of some batches of rows. */
function contentOf(number, { names, range, mostCells }) {
  const read = (at, length) => {
    const bytes = new Uint8Array(length);
    for (let count = 0; count < length; ) {
      const left = length - count;
      const more = readSync(number, bytes, count, left, at + count);
      if (more === 0) throw new Error("it ends too soon");
      count += more;
    }
    return bytes;
  };
  const { size } = fstatSync(number);
  const first = Buffer.from(read(0, Math.min(4, size))).toString("latin1");
  if (first === "FEA1")
    throw new Error("it is of the first version of Feather, which is no Arrow");
  const { schema, dictionaries, batches } = messagesOf(read, size);
  if (!schema) throw new Error("it does not say what its columns are");
  const content = ({ at, length }) => read(at, length);
  const tableOf = (messages) =>
    tableFromIPC([schema, ...messages].map(content), { useBigInt: true });
  if (!names) {
    const { fields } = tableOf([]).schema;
    requireFlat(fields);
    const groups = batches.map(({ rows }) => rows);
    const count = groups.reduce((sum, rows) => sum + rows, 0);
    if (!(count <= mostCells) || groups.some((rows) => !(rows >= 0)))
      throw new Error(`it declares ${count} rows, more than ${mostCells}`);
    return { columns: fields.map(({ name }) => name), groups };
  }
  const [from, to] = range.rows;
  if (!((to - from) * names.length <= mostCells))
    throw new Error(
      `${(to - from) * names.length} cells are asked for, more than ${mostCells}`,
    );
  let at = range.start;
  const parts = batches.slice(...range.groups).map((batch) => {
    const known = dictionaries.filter((one) => one.at < batch.at);
    const table = tableOf([...known, batch]);
    const start = at;
    at += batch.rows;
    return columnsOf(table, names, batch.rows, [
      Math.max(0, from - start),
      Math.min(batch.rows, to - start),
    ]);
  });
  return {
    cells: names.map((_, i) => cellsAsSent(parts.flatMap((part) => part[i]))),
  };
}

function requireFlat(fields) {
  const odd = fields.find(
    ({ type }) => !flat.has((type.dictionary ?? type).typeId),
  );
  if (odd)
    throw new Error(
      `column "${odd.name}" is neither of numbers nor of text nor of booleans`,
    );
}

/** Cells of the named columns: of several of one name those of the first. */
function columnsOf(table, names, count, [from, to]) {
  const { fields } = table.schema;
  return names.map((name) => {
    // By place, since a column may have any name.
    const cells = table.getChildAt(fields.findIndex((f) => f.name === name));
    if (cells.length !== count)
      throw new Error(
        `column "${name}" has ${cells.length} values in ${count} rows`,
      );
    return Array.from({ length: to - from }, (_, i) => cells.at(from + i));
  });
}
