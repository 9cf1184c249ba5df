import { crc32 } from "node:zlib";

const END = 0x06054b50;
const END_64 = 0x07064b50;
const ENTRY = 0x02014b50;

/**
 * The CRC-32 of each file in a zip archive, as its directory states them (APPNOTE
 * 6.3.10, 4.3.12 and 4.3.14).
 *
 * @throws RangeError for a directory that is damaged
 */
export function statedChecksums(bytes: Uint8Array): Map<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (view.getUint32(end, true) !== END) end--;
  let count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (end >= 20 && view.getUint32(end - 20, true) === END_64) {
    const end64 = Number(view.getBigUint64(end - 12, true));
    count = Number(view.getBigUint64(end64 + 32, true));
    at = Number(view.getBigUint64(end64 + 48, true));
  }
  const found = new Map<string, number>();
  for (; count > 0; count--) {
    if (view.getUint32(at, true) !== ENTRY)
      throw new RangeError("its directory is damaged");
    const nameLength = view.getUint16(at + 28, true);
    const name = bytes.subarray(at + 46, at + 46 + nameLength);
    found.set(new TextDecoder().decode(name), view.getUint32(at + 16, true));
    at +=
      46 +
      nameLength +
      view.getUint16(at + 30, true) +
      view.getUint16(at + 32, true);
  }
  return found;
}

/** Whether content has a checksum. */
export const hasChecksum = (content: Uint8Array, stated: number | undefined) =>
  crc32(content) === stated;
