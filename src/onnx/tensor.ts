import { AssayError } from "#core";

/**
 * ONNX element types that Assay can hold, with the array that holds them. float16 and
 * bfloat16 are raw bits.
 */
export interface ArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int16: Int16Array;
  int8: Int8Array;
  uint64: BigUint64Array;
  uint32: Uint32Array;
  uint16: Uint16Array;
  uint8: Uint8Array;
  bool: Uint8Array;
  string: string[];
}
export type DataType = keyof ArrayOf;

/** A dense array in row-major order. */
export interface Tensor<T extends DataType = DataType> {
  readonly type: T;
  readonly dims: readonly number[];
  readonly data: ArrayOf[T];
}

export type FloatTensor = Tensor<"float32">;

/**
 * Floats that are not held: rows are read as they are asked for, by `rows`, `takeRows`
 * and `someRows`. `data` reads all of them. See `Streamed`.
 */
export interface StreamedTensor extends FloatTensor {
  /** Writes rows one behind the other. */
  read(rows: ArrayLike<number>, to: Float32Array): void;
  /** Says which rows are asked for next, so that they may be read meanwhile. */
  ahead(rows: ArrayLike<number>): void;
  /** Between which numbers all values lie, where that is known without reading them. */
  readonly range?: readonly [number, number] | undefined;
  /** What tells a row from others, where that is known without reading it. */
  hashOf?(row: number): Uint8Array | undefined;
}

/** Whether the rows of a tensor are read as they are asked for. */
export const isStreamed = (t: Tensor): t is StreamedTensor => "ahead" in t;

/** The most values of streamed tensors that are held as floats at once: 4 GiB. */
const LARGEST = 2 ** 30;

/** Refuses to hold samples that are too many. Throws DATA_TOO_LARGE. */
export function requireHoldable([
  count = 0,
  ...shape
]: readonly number[]): void {
  const size = count * sizeOf(shape);
  if (size <= LARGEST) return;
  throw new AssayError(
    "DATA_TOO_LARGE",
    `all ${count} samples of shape [${shape.join(", ")}] are needed at once, ${size} values, expected at most ${LARGEST}`,
    "Use fewer samples, or leave out what needs all of them at once.",
  );
}

/** Whole numbers from one to before another. */
export const span = (from: number, to: number): Uint32Array =>
  Uint32Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** The typed-array class of each type. `string` has none. */
export const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/**
 * The number of elements of a shape; 1 for a scalar.
 *
 * @example
 * ```ts
 * import { sizeOf } from "assay/units";
 *
 * console.log(sizeOf([3, 8, 8])); // 192
 * ```
 */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** A tensor over existing data. Throws TENSOR_SIZE when data and dims disagree. */
export function tensor<T extends DataType>(
  type: T,
  dims: readonly number[],
  data: ArrayOf[T],
): Tensor<T> {
  if (data.length !== sizeOf(dims)) {
    throw new AssayError(
      "TENSOR_SIZE",
      `a tensor of shape [${dims.join(", ")}] needs ${sizeOf(dims)} elements, got ${data.length}`,
      "Check the shape that was given with the data.",
    );
  }
  return { type, dims, data };
}

/**
 * A float32 tensor from numbers in row-major order. A Float32Array is kept, and not
 * copied.
 *
 * @throws TENSOR_SIZE when there are not as many as the shape has
 * @example
 * ```ts
 * import { floats } from "assay";
 *
 * const { dims, data } = floats([2, 3], [1, 2, 3, 4, 5, 6]);
 * console.log(dims, data.length); // [ 2, 3 ] 6
 * ```
 */
export function floats(
  dims: readonly number[],
  values: ArrayLike<number>,
): FloatTensor {
  return tensor(
    "float32",
    dims,
    values instanceof Float32Array ? values : Float32Array.from(values),
  );
}

/** An int64 tensor from numbers; a vector unless dims are given. */
export function int64s(
  values: readonly number[],
  dims: readonly number[] = [values.length],
): Tensor<"int64"> {
  return tensor("int64", dims, BigInt64Array.from(values, BigInt));
}

/**
 * The elements of a numeric tensor as numbers. Throws TENSOR_TYPE for strings
 * and 16-bit floats.
 */
export function numbers(t: Tensor): number[] {
  if (t.type === "string" || t.type === "float16" || t.type === "bfloat16") {
    throw new AssayError(
      "TENSOR_TYPE",
      `a ${t.type} tensor has no plain numbers`,
      "Cast the tensor to float32 first.",
    );
  }
  return Array.from(t.data as ArrayLike<number | bigint>, Number);
}

/**
 * Rows `[from, to)` of a tensor along its first axis, as a view: what is written into
 * it is written into the tensor. Of one that is streamed they are copies.
 *
 * @example
 * ```ts
 * import { floats, rows } from "assay/units";
 *
 * const { dims, data } = rows(floats([3, 2], [1, 2, 3, 4, 5, 6]), 1, 3);
 * console.log(dims, data); // [ 2, 2 ] Float32Array(4) [ 3, 4, 5, 6 ]
 * ```
 */
export function rows<T extends Exclude<DataType, "string">>(
  t: Tensor<T>,
  from: number,
  to: number,
): Tensor<T> {
  const width = sizeOf(t.dims.slice(1));
  const part = (data: unknown) => ({
    type: t.type,
    dims: [to - from, ...t.dims.slice(1)],
    data: data as ArrayOf[T],
  });
  if (isStreamed(t)) {
    const own = new Float32Array((to - from) * width);
    t.read(span(from, to), own);
    return part(own);
  }
  const data = t.data as { subarray(from: number, to: number): unknown };
  return part(data.subarray(from * width, to * width));
}

/** Whether a tensor is the same all along an axis. */
export function isAlike({ data, dims }: Tensor, axis: number): boolean {
  const inner = sizeOf(dims.slice(axis + 1));
  const block = inner * (dims[axis] ?? 1);
  return Array.from(data as ArrayLike<unknown>).every(
    (v, i) => v === data[i - (i % block) + (i % inner)],
  );
}

/**
 * The same numbers in an array of their own.
 *
 * @example
 * ```ts
 * import { copyOf, floats } from "assay/units";
 *
 * const clean = floats([2], [0, 0]);
 * const moved = copyOf(clean);
 * moved.data[0] = 1;
 * console.log(clean.data); // Float32Array(2) [ 0, 0 ]
 * ```
 */
export const copyOf = (t: FloatTensor): FloatTensor => ({
  ...t,
  data: Float32Array.from(t.data),
});

/** Gives an array of so many numbers, whatever they are. */
export type Lent = (size: number) => Float32Array;

/** A new array each time. */
export const fresh: Lent = (size) => new Float32Array(size);

/**
 * One array for one use after the other, each of which ends as the next begins. What is
 * asked for at every step is not left to the collector of garbage, which takes longer
 * than the arithmetic.
 *
 * @example
 * ```ts
 * import { floats, reused, takeRows } from "assay/units";
 *
 * const x = floats([3, 2], [1, 2, 3, 4, 5, 6]);
 * const lent = reused();
 * const first = takeRows(x, [2, 0], lent).data;
 * const second = takeRows(x, [1, 1], lent).data;
 * console.log(first, second.buffer === first.buffer);
 * // Float32Array(4) [ 3, 4, 3, 4 ] true
 * ```
 */
export function reused(): Lent {
  let kept = fresh(0);
  return (size) => {
    if (kept.length < size) kept = fresh(size);
    return kept.subarray(0, size);
  };
}

/** Overwrites the chosen rows of a tensor along its first axis. */
export function putRows(
  t: FloatTensor,
  indices: readonly number[],
  values: FloatTensor,
): void {
  const width = sizeOf(t.dims.slice(1));
  indices.forEach((row, i) => {
    t.data.set(values.data.subarray(i * width, (i + 1) * width), row * width);
  });
}

/**
 * Tensors one behind the other along their first axis; a single one as it is.
 *
 * @param shape of a row, for when there are none
 */
export function concatRows(
  parts: readonly FloatTensor[],
  shape: readonly number[] = parts[0]?.dims.slice(1) ?? [],
): FloatTensor {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const n = parts.reduce((sum, p) => sum + (p.dims[0] ?? 0), 0);
  const all = floats([n, ...shape], new Float32Array(n * sizeOf(shape)));
  let at = 0;
  for (const { data } of parts) {
    all.data.set(data, at);
    at += data.length;
  }
  return all;
}

/**
 * The chosen rows of a tensor along its first axis, copied.
 *
 * @param lent gives the array that they are copied to; a new one when left out
 *
 * @example
 * ```ts
 * import { floats, takeRows } from "assay/units";
 *
 * const { dims, data } = takeRows(floats([3, 2], [1, 2, 3, 4, 5, 6]), [2, 0]);
 * console.log(dims, data); // [ 2, 2 ] Float32Array(4) [ 5, 6, 1, 2 ]
 * ```
 */
export function takeRows(
  t: FloatTensor,
  indices: readonly number[],
  lent: Lent = fresh,
): FloatTensor {
  const shape = t.dims.slice(1);
  const width = sizeOf(shape);
  if (isStreamed(t)) requireHoldable([indices.length, ...shape]);
  const data = lent(indices.length * width);
  if (isStreamed(t)) t.read(indices, data);
  else
    indices.forEach((row, i) => {
      data.set(t.data.subarray(row * width, (row + 1) * width), i * width);
    });
  return { type: t.type, dims: [indices.length, ...shape], data };
}
