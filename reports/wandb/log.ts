import { crc32 } from "node:zlib";

/** Bytes of a block. A record that does not fit into the rest of one is in pieces. */
const BLOCK = 32 * 1024;

/** Bytes before a piece: checksum, length, kind. */
const HEAD = 7;

const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** ":W&B", the lower half of the CRC-32 of "Weights & Biases", and version 0. */
const START = Uint8Array.of(...Buffer.from(":W&B"), 0xe1, 0xbe, 0);

/**
 * Records as the transaction log of Weights & Biases: LevelDB's format of logs behind a
 * head of its own, with the CRC-32 of zlib, not masked, of kind and bytes.
 *
 * Source: wandb/sdk/internal/datastore.py of the package wandb, and
 * doc/log_format.md of LevelDB.
 *
 * @param records of any size
 */
export function logOf(records: Iterable<Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [START];
  let at = START.length;
  const add = (part: Uint8Array) => {
    parts.push(part);
    at += part.length;
  };
  for (const record of records) {
    let rest = record;
    let isFirst = true;
    do {
      const left = BLOCK - (at % BLOCK);
      if (left < HEAD) add(new Uint8Array(left));
      const piece = rest.subarray(0, BLOCK - (at % BLOCK) - HEAD);
      rest = rest.subarray(piece.length);
      add(framed(piece, kindOf(isFirst, rest.length === 0)));
      isFirst = false;
    } while (rest.length > 0);
  }
  return Buffer.concat(parts);
}

const kindOf = (isFirst: boolean, isLast: boolean): number =>
  isFirst ? (isLast ? FULL : FIRST) : isLast ? LAST : MIDDLE;

function framed(piece: Uint8Array, kind: number): Uint8Array {
  const bytes = Buffer.alloc(HEAD + piece.length);
  bytes.set(piece, HEAD);
  bytes.writeUInt16LE(piece.length, 4);
  bytes.writeUInt8(kind, 6);
  bytes.writeUInt32LE(crc32(bytes.subarray(6)), 0);
  return bytes;
}
