import { crc32, inflateRawSync } from "node:zlib";
import { fileSize, readBytes } from "#core";

// Zip archives as APPNOTE 6.3.10 describes them, read in parts: what is stored as it is
// stays in the file, however large that is.

const END = 0x06054b50;
const END_64 = 0x07064b50;
const ENTRY = 0x02014b50;

/** Bytes of the end of an archive, without and with the longest comment. */
const TAIL = 22;
const LONGEST_TAIL = TAIL + 2 ** 16 - 1 + 20;

/** The most bytes that anything may unpack to. */
const LARGEST = 2 ** 31 - 1;

/** To how many times its size anything can unpack (RFC 1951: 258 bytes of 2 bits). */
const MOST_PACKED = 1032;

/** Bytes that are looked at at once. */
const PART = 2 ** 24;

/** A file in an archive, as the directory describes it. */
export interface ZipEntry {
  readonly name: string;
  /** 0 where it is stored as it is, 8 where it is deflated. */
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly checksum: number;
  /** Where its own header begins. */
  readonly at: number;
}

/**
 * The files of an archive (4.3.12, 4.3.14 and 4.5.3 of APPNOTE).
 *
 * @throws Error for a directory that is damaged, FILE_UNREADABLE
 */
export function zipEntries(file: string): ZipEntry[] {
  const length = fileSize(file);
  const from = Math.max(0, length - LONGEST_TAIL);
  const tail = bufferOf(readBytes(file, from, length - from));
  let end = tail.length - TAIL;
  while (tail.readUInt32LE(end) !== END) end--;
  let count = tail.readUInt16LE(end + 10);
  let size = tail.readUInt32LE(end + 12);
  let start = tail.readUInt32LE(end + 16);
  if (end >= 20 && tail.readUInt32LE(end - 20) === END_64) {
    const place = Number(tail.readBigUInt64LE(end - 12));
    const large = bufferOf(readBytes(file, place, 56));
    count = Number(large.readBigUInt64LE(32));
    size = Number(large.readBigUInt64LE(40));
    start = Number(large.readBigUInt64LE(48));
  }
  if (start + size > length) throw new RangeError("its directory is damaged");
  return entriesIn(bufferOf(readBytes(file, start, size)), count);
}

function entriesIn(directory: Buffer, count: number): ZipEntry[] {
  const found: ZipEntry[] = [];
  for (let at = 0; count > 0; count--) {
    if (directory.readUInt32LE(at) !== ENTRY)
      throw new RangeError("its directory is damaged");
    const nameEnd = at + 46 + directory.readUInt16LE(at + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
    // What does not fit into 32 bits stands in a field of its own, in this order.
    const large = large64(directory.subarray(nameEnd, extraEnd));
    const number = (place: number) => {
      const small = directory.readUInt32LE(at + place);
      return small === 2 ** 32 - 1 ? (large.shift() ?? small) : small;
    };
    const size = number(24);
    const packed = number(20);
    found.push({
      name: directory.toString("utf8", at + 46, nameEnd),
      method: directory.readUInt16LE(at + 10),
      checksum: directory.readUInt32LE(at + 16),
      size,
      packed,
      at: number(42),
    });
    at = extraEnd + directory.readUInt16LE(at + 32);
  }
  return found;
}

/** The numbers of 64 bits that stand beside an entry. */
function large64(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1)
      return Array.from({ length: Math.floor(length / 8) }, (_, i) =>
        Number(extra.readBigUInt64LE(at + 4 + 8 * i)),
      );
    at += 4 + length;
  }
  return [];
}

/**
 * Where an entry that is stored as it is stands in the archive. Its checksum is
 * compared a part at a time.
 */
export function placeIn(
  file: string,
  entry: ZipEntry,
): { from: number; length: number } {
  const place = packedPlace(file, entry);
  let sum = 0;
  for (let at = 0; at < place.length; at += PART) {
    const length = Math.min(PART, place.length - at);
    sum = crc32(readBytes(file, place.from + at, length), sum);
  }
  requireSum(entry, sum);
  return place;
}

/** The content of an entry. */
export function unpacked(file: string, entry: ZipEntry): Uint8Array {
  const { name, method, packed, size } = entry;
  if (method !== 8) throw new Error(`"${name}" is packed by method ${method}`);
  // So much may be allocated before anything is unpacked.
  if (size > Math.min(LARGEST, MOST_PACKED * (packed + 1)))
    throw new Error(`"${name}" states ${size} bytes, packed in ${packed}`);
  const { from, length } = packedPlace(file, entry);
  const content = inflateRawSync(readBytes(file, from, length), {
    maxOutputLength: Math.max(1, size),
  });
  requireSum(entry, crc32(content));
  return content;
}

function packedPlace(file: string, { at, packed }: ZipEntry) {
  const header = bufferOf(readBytes(file, at, 30));
  const from = at + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  return { from, length: packed };
}

function requireSum({ name, checksum }: ZipEntry, found: number): void {
  if (found !== checksum) throw new Error(`the checksum of "${name}" is wrong`);
}

const bufferOf = ({ buffer, byteOffset, length }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, length);
