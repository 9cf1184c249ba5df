import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { AssayError, cacheFolder, makeFolder, messageOf, sha256 } from "#core";

/** Bytes of a hash. */
export const HASH = 32;

/** Decoded images of earlier runs: a row of bytes each, and the SHA-256 of each. */
export interface Kept {
  /** Where rows are one behind the other; undefined where hashes alone are kept. */
  readonly file?: string;
  readonly hashes: Uint8Array;
}

/** Room that is left on the disk, in bytes. */
const SPARE = 2 ** 31;

/** How much older than a new file a draft is that nobody writes to, in ms. */
const FORGOTTEN = 3600 * 1000;

const folder = () => join(cacheFolder(), "images");

/**
 * What was kept under a key. A file counts only if it is whole: it ends with the hashes
 * of its rows and the hash of these.
 *
 * @param size of a row
 */
export function recallPixels(
  key: string,
  rows: number,
  size: number,
): Kept | undefined {
  for (const [ending, width] of [
    ["pixels", size],
    ["hashes", 0],
  ] as const) {
    const file = join(folder(), `${key}.${ending}`);
    const hashes = endOf(file, rows * width, rows * HASH);
    if (!hashes) continue;
    const now = new Date();
    // Those that were not used for long make room first.
    utimesSync(file, now, now);
    return { file: width > 0 ? file : undefined, hashes };
  }
  return undefined;
}

function endOf(file: string, from: number, length: number) {
  if (!existsSync(file) || statSync(file).size !== from + length + HASH)
    return undefined;
  const end = Buffer.alloc(length + HASH);
  const opened = openSync(file, "r");
  try {
    readSync(opened, end, 0, end.length, from);
  } finally {
    closeSync(opened);
  }
  const hashes = end.subarray(0, length);
  return end.toString("hex", length) === sha256(hashes) ? hashes : undefined;
}

/** Bytes of a file of rows with their hashes. */
const wholeSize = (rows: number, size: number) => rows * (size + HASH) + HASH;

/** Whether so many rows may be kept, and the disk has room for them. */
export function hasRoom(rows: number, size: number, most: number): boolean {
  const needed = wholeSize(rows, size);
  return needed <= most && isFree(needed);
}

const isFree = (needed: number) => {
  makeFolder(folder());
  const { bavail, bsize } = statfsSync(folder());
  return bavail * bsize > needed + SPARE;
};

/** Writes what is to be kept, whole or not at all. */
export interface Keeping {
  /** Adds rows, one behind the other. */
  add(rows: Uint8Array): void;
  /** Ends the file with the hashes of all rows. */
  end(hashes: Uint8Array): Kept;
  /** Leaves nothing behind. */
  drop(): void;
}

/**
 * Begins to keep rows under a key, where they fit beside the others into `most` bytes
 * and on the disk; hashes alone otherwise.
 *
 * @throws DATA_CACHE, also as rows are added, where the disk takes no more
 */
export function keepPixels(
  key: string,
  rows: number,
  size: number,
  most: number,
): Keeping {
  const whole = wholeSize(rows, size);
  makeFolder(folder());
  const draft = join(folder(), `${key}.${process.pid}.part`);
  const file = openSync(draft, "w");
  const isKept = whole <= most && makeRoom(whole, most);
  const path = join(folder(), `${key}.${isKept ? "pixels" : "hashes"}`);
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(file);
    isOpen = false;
    process.off("exit", drop);
  };
  const drop = () => {
    close();
    rmSync(draft, { force: true });
  };
  // A run that is cancelled leaves nothing half written behind.
  process.on("exit", drop);
  const write = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; )
      at += writeSync(file, bytes, at, bytes.length - at);
  };
  /** What cannot be written leaves the disk as it was. */
  const orDrop = (act: () => void) => {
    try {
      act();
    } catch (error) {
      drop();
      throw new AssayError(
        "DATA_CACHE",
        `${path} cannot be written: ${messageOf(error)}`,
        "Make room on the disk of the user's folder for caches, or name another by ASSAY_CACHE. What was kept before is still there.",
        { cause: error },
      );
    }
  };
  return {
    add(bytes) {
      if (isKept) orDrop(() => write(bytes));
    },
    end(hashes) {
      orDrop(() => {
        write(hashes);
        write(Buffer.from(sha256(hashes), "hex"));
        fsyncSync(file);
        close();
        renameSync(draft, path);
      });
      return { file: isKept ? path : undefined, hashes };
    },
    drop,
  };
}

/** Another process may have removed it meanwhile. */
function stateOf(path: string): { size: number; at: number } {
  const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {
    size: 0,
    mtimeMs: 0,
  };
  return { size, at: mtimeMs };
}

/** Removes what was used longest ago until there is room; says whether there is. */
function makeRoom(needed: number, most: number): boolean {
  const files = readdirSync(folder())
    .map((name) => join(folder(), name))
    .map((path) => ({ path, ...stateOf(path) }))
    .sort((a, b) => a.at - b.at);
  const newest = files.at(-1)?.at ?? 0;
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size, at } of files) {
    const isDraft = path.endsWith(".part");
    const goes = isDraft ? newest - at > FORGOTTEN : total + needed > most;
    if (!goes) continue;
    // Where it is in use it stays until it is closed, or on Windows altogether.
    rmSync(path, { force: true });
    total -= size;
  }
  return total + needed <= most && isFree(needed);
}
