import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { type KeptRows, rowsInFile, rowsInMemory } from "./kept-rows.ts";

/** Where rows may be kept. */
export interface Room {
  /** Bytes in memory; what does not fit lies in files. 256 MiB when left out. */
  readonly memory?: number;
  /** Of the files; the folder for temporary files when left out. */
  readonly folder?: string;
}

/** Rows of floats that are kept for whoever asks for them again. */
export interface Shelf {
  /**
   * Rows under a key, which says all that they are made of. They are made when they are
   * not there, and are in use until they are given back.
   *
   * @param width floats of a row
   * @param fill adds all rows; false where they are no floats
   * @returns undefined where they are none, or where the disk has no room
   */
  borrow(
    key: string,
    count: number,
    width: number,
    fill: (rows: KeptRows) => Promise<boolean>,
  ): Promise<KeptRows | undefined>;
  giveBack(rows: KeptRows): void;
  /**
   * One more piece of work is done: lets go of rows that nobody has asked for during
   * the last ones.
   */
  age(): void;
  /** Lets go of all rows, whoever uses them. */
  release(): void;
}

interface Kept {
  readonly rows: KeptRows;
  readonly bytes: number;
  readonly inMemory: boolean;
  users: number;
  /** Pieces of work that did not ask for it. */
  age: number;
}

/** Pieces of work after which rows that none of them asked for are let go. */
const OLD = 8;

/** Files that nobody uses, and that somebody may ask for again. */
const IDLE_FILES = 2;

/** An empty shelf. What was asked for last leaves it last. */
export function openShelf({
  memory = 2 ** 28,
  folder = tmpdir(),
}: Room = {}): Shelf {
  const shelf = new Map<string, Kept>();
  const idle = (inMemory: boolean) =>
    [...shelf].filter(([, k]) => k.users === 0 && k.inMemory === inMemory);
  const drop = (key: string) => {
    shelf.get(key)?.rows.release();
    shelf.delete(key);
  };
  const hasRoom = (bytes: number) =>
    [...shelf.values()].reduce(
      (sum, kept) => sum + (kept.inMemory ? kept.bytes : 0),
      bytes,
    ) <= memory;
  const place = (count: number, width: number): Kept | undefined => {
    const bytes = count * width * Float32Array.BYTES_PER_ELEMENT;
    if (bytes <= memory)
      for (const [key] of idle(true)) if (!hasRoom(bytes)) drop(key);
    if (hasRoom(bytes)) {
      const rows = rowsInMemory(count, width);
      return { rows, bytes, inMemory: true, users: 1, age: 0 };
    }
    for (const [key] of idle(false).slice(0, -IDLE_FILES)) drop(key);
    const { bavail, bsize } = statfsSync(folder);
    if (bytes > (bavail * bsize) / 2) return undefined;
    return {
      rows: rowsInFile(width, folder),
      bytes,
      inMemory: false,
      users: 1,
      age: 0,
    };
  };
  return {
    async borrow(key, count, width, fill) {
      const known = shelf.get(key);
      if (known) {
        known.users++;
        known.age = 0;
        shelf.delete(key);
        shelf.set(key, known);
        return known.rows;
      }
      const fresh = place(count, width);
      if (!fresh) return undefined;
      let isKept = false;
      try {
        isKept = await fill(fresh.rows);
      } finally {
        if (!isKept) fresh.rows.release();
      }
      if (!isKept) return undefined;
      if (!shelf.has(key)) shelf.set(key, fresh);
      return fresh.rows;
    },
    giveBack(rows) {
      const found = [...shelf.values()].find((kept) => kept.rows === rows);
      if (found) found.users--;
      else rows.release();
    },
    age() {
      for (const [key, kept] of [...shelf]) {
        if (kept.users > 0) continue;
        kept.age++;
        if (kept.age > OLD) drop(key);
      }
    },
    release() {
      for (const key of [...shelf.keys()]) drop(key);
    },
  };
}
