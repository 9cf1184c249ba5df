import {
  closeSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
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

/** Bytes of a float. */
const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** Room for so many rows in memory. */
export function rowsInMemory(count: number, width: number): KeptRows {
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

/**
 * Rows in a file of their own, the same to the bit. Only who has it open can read it.
 *
 * @param parent the folder that it is made in
 */
export function rowsInFile(width: number, parent: string): KeptRows {
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
