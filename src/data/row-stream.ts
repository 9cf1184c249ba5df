import type { AssayError } from "#core";
import { type RowSource, span } from "#onnx";
import {
  inThread,
  type Problem,
  THREADS,
  type Working,
} from "./image-threads.ts";
import { HASH } from "./pixel-cache.ts";

/** Rows of bytes, all of one size, that threads read or make as they are asked for. */
export interface ByteRows {
  readonly count: number;
  /** Bytes of a row. */
  readonly size: number;
  /**
   * Has a thread write some of them one behind the other.
   *
   * @param floats where it writes what bytes of pixels stand for, 0 to 1
   */
  task(
    rows: readonly number[],
    bytes: Uint8Array,
    floats?: Float32Array,
  ): Working;
  /** What to say of a row that cannot be read. */
  unread(row: number, problem: Problem): AssayError;
  /** What to say of a row that is another one than it was. */
  changed(row: number): AssayError;
}

/** Rows that stand one behind the other in a file, from so many bytes on. */
export const rowsInFile = (
  file: string,
  from: number,
  rows: Omit<ByteRows, "task">,
): ByteRows => ({
  ...rows,
  task: (some, bytes, floats) =>
    inThread({ file, from, rows: some, size: rows.size, bytes, floats }),
});

/** What was waited for rows, and how many were read: for whoever measures. */
export const reading = { milliseconds: 0, rows: 0 };

/** The most bytes of rows that are read at once. */
const AT_ONCE = 2 ** 26;

const shared = (size: number) => new Uint8Array(new SharedArrayBuffer(size));
const sharedFloats = (size: number) =>
  new Float32Array(new SharedArrayBuffer(4 * size));

/**
 * All rows in order, some at a time, while threads read the next ones.
 *
 * @param take gets the bytes of rows from a place on, which are overwritten later, and
 *   32 bytes of hash each
 * @throws what `unread` says of the first row that is wrong
 */
export async function inOrder(
  { count, size, task, unread }: ByteRows,
  take: (bytes: Uint8Array, from: number, hashes: Uint8Array) => void,
): Promise<void> {
  // Of large rows few, so that all threads have some; of small ones many.
  const least = Math.min(2 ** 22, AT_ONCE / THREADS);
  const each = Math.max(
    1,
    Math.min(Math.max(64, least / size), AT_ONCE / THREADS / size) | 0,
  );
  const buffers = Array.from({ length: 2 * THREADS }, () =>
    shared(each * size),
  );
  let ahead: { from: number; bytes: Uint8Array; working: Working }[] = [];
  let next = 0;
  for (;;) {
    while (ahead.length < buffers.length && next < count) {
      const bytes = buffers[(next / each) % buffers.length]!;
      const some = Array.from(span(next, Math.min(count, next + each)));
      ahead.push({ from: next, bytes, working: task(some, bytes) });
      next += each;
    }
    const [first, ...others] = ahead;
    if (!first) return;
    const { hashes, problem } = await first.working.done();
    if (problem) throw unread(first.from + problem.i, problem);
    const bytes = first.bytes.subarray(0, (hashes.length / HASH) * size);
    take(bytes, first.from, hashes);
    ahead = others;
  }
}

/** Rows that are being read. */
interface Reading {
  readonly rows: readonly number[];
  readonly bytes: Uint8Array;
  readonly floats: Float32Array | undefined;
  /** From which of the rows on each task reads. */
  readonly tasks: readonly {
    readonly from: number;
    readonly working: Working;
  }[];
}

/**
 * How rows are read as they are asked for: what was said to come next is read
 * meanwhile, and each is compared with its hash.
 *
 * @param hashes of all rows, as `inOrder` gives them
 * @param put writes what bytes of rows stand for at a place; of pixels, which stand for
 *   0 to 1, it is left out, since threads do it
 */
export function readRows(
  { size, task, unread, changed }: ByteRows,
  hashes: Uint8Array,
  range: RowSource["range"],
  put?: (bytes: Uint8Array, to: Float32Array, row: number) => void,
): RowSource {
  const most = Math.max(1, Math.floor(AT_ONCE / (put ? size : 5 * size)));
  let ahead: Reading[] = [];
  let free: Pick<Reading, "bytes" | "floats">[] = [];
  const begin = (rows: readonly number[]): Reading => {
    const length = rows.length * size;
    const known = free.find(({ bytes }) => bytes.length >= length);
    free = free.filter((one) => one !== known);
    const { bytes, floats } = known ?? {
      bytes: shared(length),
      floats: put ? undefined : sharedFloats(length),
    };
    const each = Math.ceil(rows.length / THREADS);
    const tasks = Array.from(
      { length: Math.ceil(rows.length / each) },
      (_, k) => {
        const from = k * each;
        const some = rows.slice(from, from + each);
        const [start, end] = [from * size, (from + some.length) * size];
        const part = bytes.subarray(start, end);
        return {
          from,
          working: task(some, part, floats?.subarray(start, end)),
        };
      },
    );
    return { rows, bytes, floats, tasks };
  };
  const isOf = ({ rows }: Reading, others: readonly number[]) =>
    rows.length === others.length && rows.every((row, i) => row === others[i]);
  const requireSame = (rows: readonly number[], now: Uint8Array) => {
    for (let i = 0; i < now.length / HASH; i++) {
      const before = hashes.subarray(rows[i]! * HASH, (rows[i]! + 1) * HASH);
      const found = now.subarray(i * HASH, (i + 1) * HASH);
      if (Buffer.compare(before, found) !== 0) throw changed(rows[i]!);
    }
  };
  const readSome = (rows: readonly number[], to: Float32Array, at: number) => {
    const one = ahead.find((other) => isOf(other, rows)) ?? begin(rows);
    ahead = ahead.filter((other) => other !== one);
    for (const { from, working } of one.tasks) {
      const { hashes: now, problem } = working.wait();
      if (problem) throw unread(rows[from + problem.i]!, problem);
      requireSame(rows.slice(from), now);
    }
    const length = rows.length * size;
    if (put) put(one.bytes.subarray(0, length), to, at);
    else if (one.floats) to.set(one.floats.subarray(0, length), at * size);
    free = [one, ...free].slice(0, 2);
  };
  return {
    range,
    hashOf: (row) => hashes.subarray(row * HASH, (row + 1) * HASH),
    read(rows, to) {
      const start = performance.now();
      for (let from = 0; from < rows.length; from += most)
        readSome(Array.from(rows).slice(from, from + most), to, from);
      reading.milliseconds += performance.now() - start;
      reading.rows += rows.length;
    },
    ahead(rows) {
      const some = Array.from(rows).slice(0, most);
      if (some.length === 0 || ahead.some((one) => isOf(one, some))) return;
      // What nobody came for is let go; its threads may still write into its bytes.
      ahead = [begin(some), ...ahead].slice(0, 2);
    },
  };
}
