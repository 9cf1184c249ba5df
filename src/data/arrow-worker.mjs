// Reads Arrow files and streams in a thread of its own; plain JavaScript, so that it
// runs from source and from the package alike. See in-thread.ts.
import { parentPort } from "node:worker_threads";
import {
  CompressionType,
  setCompressionCodec,
  Type,
  tableFromIPC,
} from "@uwdata/flechette";
import { decompressZstd } from "hyparquet-compressors";
import lz4 from "lz4js";

/** All columns of a file unpack to less: 4 GiB. */
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

parentPort.on("message", ({ bytes, mostCells }) => {
  parentPort.postMessage("begun");
  try {
    total = 0;
    parentPort.postMessage(contentOf(bytes, mostCells));
  } catch (error) {
    parentPort.postMessage({
      why: error instanceof Error ? error.message : String(error),
    });
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

function contentOf(bytes, mostCells) {
  if (Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "FEA1")
    throw new Error("it is of the first version of Feather, which is no Arrow");
  const table = tableFromIPC(bytes, { useBigInt: true });
  const { fields } = table.schema;
  const odd = fields.find(
    ({ type }) => !flat.has((type.dictionary ?? type).typeId),
  );
  if (odd)
    throw new Error(
      `column "${odd.name}" is neither of numbers nor of text nor of booleans`,
    );
  const cells = table.numRows * fields.length;
  if (!(cells <= mostCells))
    throw new Error(`it declares ${cells} cells, more than ${mostCells}`);
  // By place, since a column may have any name.
  const columns = fields.map((_, i) => table.getChildAt(i));
  const wrong = columns.findIndex((c) => c.length !== table.numRows);
  if (wrong >= 0)
    throw new Error(
      `column "${fields[wrong].name}" has ${columns[wrong].length} values in ${table.numRows} rows`,
    );
  return {
    columns: fields.map(({ name }) => name),
    rows: Array.from({ length: table.numRows }, (_, row) =>
      columns.map((c) => c.at(row)),
    ),
  };
}
