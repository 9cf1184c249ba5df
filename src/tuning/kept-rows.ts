import {
  closeSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AssayError } from "#core";

/** Rows of floats that are written once and read in any order. */
export interface KeptRows {
  /** Writes the next rows. */
  add(data: Float32Array): void;
  /** Rows, side by side, in the order of the indices. */
  take(rows: readonly number[]): Float32Array<ArrayBuffer>;
  release(): void;
}

/** Where rows may be kept. */
export interface Room {
  /** Bytes in memory; what takes more lies in a file. 256 MiB when left out. */
  readonly memory?: number;
  /** Of the file; the folder for temporary files when left out. */
  readonly folder?: string;
}

/** Bytes of a float. */
const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** Whether rows of so many floats in all fit into memory. */
const isSmall = (floats: number, { memory = 2 ** 28 }: Room) =>
  floats * FLOAT <= memory;

/** Whether they can be kept: in memory, or in half of what is free on the disk. */
export function fits(floats: number, room: Room): boolean {
  if (isSmall(floats, room)) return true;
  const { bavail, bsize } = statfsSync(room.folder ?? tmpdir());
  return floats * FLOAT <= (bavail * bsize) / 2;
}

/**
 * Room for rows, the same numbers to the bit wherever they are.
 *
 * @param sets how many rows each of several sets has, which share the memory
 * @param width floats of a row
 */
export function openRows(
  sets: readonly number[],
  width: number,
  room: Room,
): KeptRows[] {
  const floats = width * sets.reduce((sum, count) => sum + count, 0);
  return sets.map((count) =>
    isSmall(floats, room)
      ? inMemory(count, width)
      : inFile(width, room.folder ?? tmpdir()),
  );
}

function inMemory(count: number, width: number): KeptRows {
  let all = new Float32Array(count * width);
  let at = 0;
  return {
    add(data) {
      all.set(data, at);
      at += data.length;
    },
    take(rows) {
      const taken = new Float32Array(rows.length * width);
      for (const [i, row] of rows.entries())
        taken.set(all.subarray(row * width, (row + 1) * width), i * width);
      return taken;
    },
    release() {
      all = new Float32Array();
    },
  };
}

function inFile(width: number, parent: string): KeptRows {
  const folder = mkdtempSync(join(parent, "assay-features-"));
  const file = openSync(join(folder, "rows"), "wx+", 0o600);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    // The file is gone with the process, however it ends.
    remove();
  } catch {
    // Windows keeps the folder of an open file: it goes with `release`.
  }
  return {
    add(data) {
      const bytes = new Uint8Array(
        data.buffer,
        data.byteOffset,
        data.byteLength,
      );
      for (let done = 0; done < bytes.length; )
        done += writeSync(file, bytes, done);
    },
    take(rows) {
      const taken = new Float32Array(rows.length * width);
      const size = width * FLOAT;
      const bytes = new Uint8Array(taken.buffer);
      for (const [i, row] of rows.entries())
        for (let done = 0; done < size; ) {
          const [to, from] = [i * size + done, row * size + done];
          const read = readSync(file, bytes, to, size - done, from);
          if (read === 0) throw lost(row);
          done += read;
        }
      return taken;
    },
    release() {
      closeSync(file);
      remove();
    },
  };
}

const lost = (row: number) =>
  new AssayError(
    "FEATURES_LOST",
    `the file of kept features ends before row ${row}`,
    "Something else cut it short; run it again.",
  );
