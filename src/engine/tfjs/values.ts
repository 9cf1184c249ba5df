import { AssayError } from "#core";
import { arrayTypes, type DataType, sizeOf, type Tensor } from "#onnx";
import type { TensorFlow, TfTensor } from "./kernel.ts";

/** The element types that this engine computes with. */
const held: Partial<Record<DataType, "float32" | "int32" | "bool">> = {
  float32: "float32",
  bool: "bool",
  int32: "int32",
  int64: "int32",
  uint8: "float32",
  int8: "float32",
  uint16: "float32",
  int16: "float32",
};

/**
 * The TensorFlow.js type that holds an ONNX type, undefined for one
 * that it cannot hold.
 */
export const heldAs = (type: DataType) => held[type];

/** The largest rank of a TensorFlow.js tensor. */
export const MAX_RANK = 6;

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * The numbers that each integer type may hold here; int64 only what fits in 32 bits.
 */
const ranges: Partial<Record<DataType, readonly [number, number]>> = {
  int64: [INT32_MIN, INT32_MAX],
  int32: [INT32_MIN, INT32_MAX],
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

export const rangeOf = (type: DataType) => ranges[type];

/**
 * A tensor of ours as one of TensorFlow.js.
 *
 * @param clamp whether integers beyond 32 bits mean "as far as there is"
 *   (bounds of a Slice)
 * @throws ENGINE_RUN for a type, rank or number that TensorFlow.js cannot hold
 */
export function toTf(
  tf: TensorFlow,
  t: Tensor,
  name: string,
  clamp = false,
): TfTensor {
  const dtype = heldAs(t.type);
  if (!dtype)
    throw refused(
      `"${name}" is ${t.type}, which TensorFlow.js does not compute with`,
      "Convert the model to float32, or use the engine onnxruntime.",
    );
  if (t.dims.length > MAX_RANK)
    throw refused(
      `"${name}" has ${t.dims.length} axes, TensorFlow.js takes ${MAX_RANK} at most`,
      "Use the engine onnxruntime for this model.",
    );
  const dims = [...t.dims];
  if (t.type === "int64")
    return tf.tensor(narrow(t.data as BigInt64Array, name, clamp), dims, dtype);
  // It may change in place what it is given.
  const data =
    dtype === "float32"
      ? Float32Array.from(t.data as ArrayLike<number>)
      : dtype === "bool"
        ? Uint8Array.from(t.data as Uint8Array)
        : Int32Array.from(t.data as Int32Array);
  return tf.tensor(data, dims, dtype);
}

function narrow(data: BigInt64Array, name: string, clamp: boolean): Int32Array {
  return Int32Array.from(data, (value) => {
    const number = Number(value);
    if (number >= INT32_MIN && number <= INT32_MAX) return number;
    // What exporters write for "to the end".
    if (clamp || value >= INT64_MAX || value <= -INT64_MAX)
      return value > 0n ? INT32_MAX : INT32_MIN;
    throw beyond(name, value);
  });
}

const beyond = (name: string, value: bigint | number) =>
  refused(
    `"${name}" holds ${value}, and TensorFlow.js has integers of 32 bits only`,
    "Use the engine onnxruntime for this model.",
  );

/**
 * A tensor of integers that were computed here. Throws ENGINE_RUN where one is
 * beyond its type.
 */
export function wholeTensor(
  tf: TensorFlow,
  values: ArrayLike<number>,
  dims: readonly number[],
  type: DataType,
  name: string,
): TfTensor {
  const [low, high] = ranges[type] ?? [INT32_MIN, INT32_MAX];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // Also refuses NaN.
    if (!(value >= low && value <= high)) throw beyond(name, value);
  }
  return heldAs(type) === "float32"
    ? tf.tensor(Float32Array.from(values), [...dims], "float32")
    : tf.tensor(Int32Array.from(values), [...dims], "int32");
}

/** A tensor of TensorFlow.js as one of ours, of the type that the graph declares. */
async function fromTf(t: TfTensor, type: DataType): Promise<Tensor> {
  const data = await t.data();
  const dims = [...t.shape];
  if (type === "int64")
    return { type, dims, data: BigInt64Array.from(data, BigInt) };
  if (type === "string" || !heldAs(type))
    throw refused(
      `an output is ${type}, which TensorFlow.js does not compute with`,
      "Use the engine onnxruntime for this model.",
    );
  const array = arrayTypes[type] as Float32ArrayConstructor;
  return {
    type,
    dims,
    data: array.from(data.subarray(0, sizeOf(dims))) as Tensor["data"],
  };
}

/** Values by name as tensors of ours; disposes of what they are read from. */
export async function readAll(
  names: readonly string[],
  typeOf: (name: string) => DataType,
  found: readonly TfTensor[],
): Promise<Record<string, Tensor>> {
  try {
    const read = await Promise.all(
      names.map((name, i) => fromTf(found[i]!, typeOf(name))),
    );
    return Object.fromEntries(names.map((name, i) => [name, read[i]!]));
  } finally {
    for (const t of found) t.dispose();
  }
}

const refused = (message: string, hint: string) =>
  new AssayError("ENGINE_RUN", message, hint);
