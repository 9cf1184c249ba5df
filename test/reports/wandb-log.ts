/** CRC-32 as IEEE 802.3 has it, bit by bit. */
function crc(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let k = 0; k < 8; k++)
      rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
}

const BLOCK = 32768;

/**
 * The records of a transaction log of Weights & Biases, as LevelDB's document describes
 * how they are read. It throws where a piece is not as it has to be.
 */
export function recordsIn(log: Uint8Array): Buffer[] {
  const bytes = Buffer.from(log);
  const magic = crc(Buffer.from("Weights & Biases")) & 0xffff;
  if (bytes.toString("latin1", 0, 4) !== ":W&B") throw new Error("ident");
  if (bytes.readUInt16LE(4) !== magic) throw new Error("magic");
  if (bytes[6] !== 0) throw new Error("version");
  const records: Buffer[] = [];
  let open: Buffer[] | undefined;
  for (let at = 7; at < bytes.length; ) {
    const left = BLOCK - (at % BLOCK);
    if (left < 7) {
      if (bytes.subarray(at, at + left).some(Boolean)) throw new Error("pad");
      at += left;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4);
    if (7 + length > left) throw new Error("a piece leaves its block");
    const piece = bytes.subarray(at + 7, at + 7 + length);
    if (piece.length < length) throw new Error("the last piece is cut");
    if (crc(bytes.subarray(at + 6, at + 7 + length)) !== bytes.readUInt32LE(at))
      throw new Error("checksum");
    const kind = ["", "full", "first", "middle", "last"][bytes[at + 6]!];
    const starts = kind === "full" || kind === "first";
    if (!kind || starts === (open !== undefined)) throw new Error("kind");
    open = [...(open ?? []), piece];
    if (kind === "full" || kind === "last") {
      records.push(Buffer.concat(open));
      open = undefined;
    }
    at += 7 + length;
  }
  if (open) throw new Error("the last record is cut");
  return records;
}
