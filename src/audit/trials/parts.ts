import type { FloatTensor } from "#onnx";
import type { Store } from "../store.ts";

/** A part of a trial that can be computed by itself, as it is planned. */
export interface PlannedPart {
  /** Which part it is, among those of its trial. */
  readonly name: string;
  /**
   * What it depends on of the attack, where that is not all: trials with the same share
   * it.
   */
  readonly of?: unknown;
  /** Samples that it goes through; as many as a training does when left out. */
  readonly size?: number;
}

/**
 * What comes of each of some items. Each is a part of the trial: it is kept, and others
 * may have made it before. What is found is plain values, and tensors, Int32Arrays and
 * sets of plain values among them.
 */
export type Each = <I, T>(
  items: readonly I[],
  nameOf: (item: I) => string,
  make: (item: I) => Promise<T>,
) => Promise<T[]>;

/** What was found by a part. */
interface Kept {
  readonly value: unknown;
  readonly seconds: number;
}

/** Keeps what a part found: tensors as files of their own, which are named. */
export function writePart(
  store: Store,
  record: string,
  found: Kept,
  files: readonly string[],
): void {
  const tensors: string[] = [];
  const value = packed(found.value, (tensor) => {
    const file = record.replace(/\.json$/, `.${tensors.length}.npy`);
    store.writeTensor(file, tensor);
    tensors.push(file);
    return file;
  });
  store.write(record, { ...found, value }, [...tensors, ...files]);
}

export function readPart(store: Store, record: string): Kept | undefined {
  const found = store.read<Kept>(record);
  return found && { ...found, value: unpacked(found.value, store.readTensor) };
}

/** Stands in a record for what JSON does not have. */
type StandIn =
  | { readonly tensor: string }
  | { readonly ints: readonly number[] }
  | { readonly set: readonly unknown[] };

function packed(value: unknown, put: (tensor: FloatTensor) => string): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((one) => packed(one, put));
  if ("data" in value && value.data instanceof Float32Array)
    return { tensor: put(value as FloatTensor) } satisfies StandIn;
  if (value instanceof Int32Array)
    return { ints: [...value] } satisfies StandIn;
  if (value instanceof Set) return { set: [...value] } satisfies StandIn;
  return mapped(value, (one) => packed(one, put));
}

function unpacked(value: unknown, get: (file: string) => FloatTensor): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((one) => unpacked(one, get));
  if ("tensor" in value) return get(value.tensor as string);
  if ("ints" in value) return Int32Array.from(value.ints as number[]);
  if ("set" in value) return new Set(value.set as unknown[]);
  return mapped(value, (one) => unpacked(one, get));
}

// The names are those of our own interfaces.
const mapped = (value: object, map: (one: unknown) => unknown) =>
  Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, map(one)]),
  );
