import { closeSync, openSync, readSync, statSync } from "node:fs";
import { AssayError } from "#core";
import type { ArrayOf, DataType, Tensor } from "./tensor.ts";

/**
 * Where the bytes of a tensor lie, so that they need not be copied or written again.
 */
export interface Origin {
  readonly path: string;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
  /** The file as it was: its size, and when it was last changed. */
  readonly size: number;
  readonly changed: number;
}

const origins = new WeakMap<Tensor, Origin>();

export function rememberOrigin(t: Tensor, origin: Origin): void {
  origins.set(t, origin);
}

/** Where a tensor that was read from a file lies in it. */
export const originOf = (t: Tensor): Origin | undefined => origins.get(t);

export function stampOf(path: string): { size: number; changed: number } {
  const { size, mtimeMs } = statSync(path);
  return { size, changed: mtimeMs };
}

/** Whether the file is still what it was when the tensor was read. */
export function isUnchanged({ path, size, changed }: Origin): boolean {
  try {
    const now = stampOf(path);
    return now.size === size && now.changed === changed;
  } catch {
    return false;
  }
}

/** A tensor whose data are read from their file when they are first asked for. */
export function tensorOfFile<T extends Exclude<DataType, "string">>(
  type: T,
  dims: readonly number[],
  origin: Origin,
  decode: (bytes: Uint8Array) => ArrayOf[T],
): Tensor<T> {
  let data: ArrayOf[T] | undefined;
  return withOrigin(type, dims, origin, () => {
    data ??= decode(readPart(origin));
    return data;
  });
}

/** What was read last of tensors that are left in their files: two may be compared. */
const recent: { origin: Origin; data: unknown }[] = [];
const RECENT = 2;

/**
 * The same, but the data are soon let go, and read again.
 *
 * @throws MODEL_UNREADABLE as they are asked for, when the file has changed meanwhile
 */
export function tensorLeftInFile<T extends Exclude<DataType, "string">>(
  type: T,
  dims: readonly number[],
  origin: Origin,
  decode: (bytes: Uint8Array) => ArrayOf[T],
): Tensor<T> {
  return withOrigin(type, dims, origin, () => {
    const before = recent.find((one) => one.origin === origin);
    if (before) return before.data as ArrayOf[T];
    if (!isUnchanged(origin)) throw lost(origin, new Error("it has changed"));
    const data = decode(readPart(origin));
    recent.unshift({ origin, data });
    recent.length = Math.min(recent.length, RECENT);
    return data;
  });
}

function withOrigin<T extends DataType>(
  type: T,
  dims: readonly number[],
  origin: Origin,
  read: () => ArrayOf[T],
): Tensor<T> {
  const t: Tensor<T> = {
    type,
    dims,
    get data() {
      return read();
    },
  };
  rememberOrigin(t, origin);
  return t;
}

function readPart(origin: Origin): Uint8Array {
  const { path, offset, length } = origin;
  const bytes = new Uint8Array(length);
  try {
    const file = openSync(path, "r");
    try {
      let read = 0;
      while (read < length) {
        const count = readSync(file, bytes, read, length - read, offset + read);
        if (count === 0) throw new Error("it ended early");
        read += count;
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw lost(origin, error);
  }
  return bytes;
}

const lost = ({ path }: Origin, cause: unknown) =>
  new AssayError(
    "MODEL_UNREADABLE",
    `${path}, which holds weights, can no longer be read`,
    "Leave the files of a model in place while it is used.",
    { cause },
  );
