import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { resolve, sep } from "node:path";
import { AssayError } from "#core";
import {
  type TensorProto,
  TensorProto_DataLocation,
} from "./generated/onnx-ml_pb.ts";
import {
  type ArrayOf,
  arrayTypes,
  type DataType,
  type Tensor,
} from "./tensor.ts";
import { dataTypeOf } from "./types.ts";

const damaged = (what: string) =>
  new AssayError("MODEL_INVALID", what, "Download or export the model again.");

/**
 * A tensor from its encoded form, whichever of the six ways ONNX has.
 *
 * @param what names the tensor in messages
 * @param folder where external data lies; refused when undefined
 */
export function decodeTensor(
  t: TensorProto,
  what: string,
  folder: string | undefined,
): Tensor {
  const type = dataTypeOf(t.dataType, what);
  const dims = t.dims.map(Number);
  const size = dims.reduce((product, d) => product * d, 1);
  if (dims.some((d) => d < 0) || !Number.isSafeInteger(size)) {
    throw damaged(`${what} has the impossible shape [${dims.join(", ")}]`);
  }
  const data =
    type === "string"
      ? t.stringData.map((s) => new TextDecoder().decode(s))
      : numbersOf(t, type, size, what, folder);
  if (data.length !== size) {
    throw damaged(
      `${what} has ${data.length} elements, its shape [${dims.join(", ")}] needs ${size}`,
    );
  }
  return { type, dims, data };
}

function numbersOf(
  t: TensorProto,
  type: Exclude<DataType, "string">,
  size: number,
  what: string,
  folder: string | undefined,
): ArrayOf[typeof type] {
  const bytes =
    t.dataLocation === TensorProto_DataLocation.EXTERNAL
      ? externalData(t, size * arrayTypes[type].BYTES_PER_ELEMENT, what, folder)
      : t.rawData;
  if (bytes && (bytes.length > 0 || size === 0))
    return fromRaw(bytes, type, size, what);
  switch (type) {
    case "float32":
      return Float32Array.from(t.floatData);
    case "float64":
      return Float64Array.from(t.doubleData);
    case "int64":
      return BigInt64Array.from(t.int64Data);
    case "uint64":
      return BigUint64Array.from(t.uint64Data);
    case "uint32":
      return Uint32Array.from(t.uint64Data, Number);
    default:
      // Everything of 32 bits and less; 16-bit floats as their bits.
      return arrayTypes[type].from(t.int32Data);
  }
}

/** Numbers are little-endian, like every machine that onnxruntime runs on. */
function fromRaw(
  bytes: Uint8Array,
  type: Exclude<DataType, "string">,
  size: number,
  what: string,
): ArrayOf[typeof type] {
  const Type = arrayTypes[type];
  const needed = size * Type.BYTES_PER_ELEMENT;
  if (bytes.length !== needed)
    throw damaged(
      `${what} has ${bytes.length} bytes of data, its shape needs ${needed}`,
    );
  const aligned =
    bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0
      ? bytes
      : Uint8Array.from(bytes);
  return new Type(aligned.buffer as ArrayBuffer, aligned.byteOffset, size);
}

/** Reads the part of a file beside the model that holds a tensor. Paths that leave the model's folder are refused. */
function externalData(
  t: TensorProto,
  needed: number,
  what: string,
  folder: string | undefined,
): Uint8Array {
  const entry = (key: string) =>
    t.externalData.find((e) => e.key === key)?.value;
  const location = entry("location");
  if (folder === undefined || !location)
    throw damaged(`${what} is stored outside the file, and where is not known`);
  const path = resolve(folder, location);
  const leaves = () =>
    damaged(
      `${what} is stored in "${location}", which is outside the folder of the model`,
    );
  if (!path.startsWith(resolve(folder) + sep)) throw leaves();
  let file: number;
  try {
    // A link inside the folder may still lead out of it.
    if (!realpathSync(path).startsWith(realpathSync(folder) + sep))
      throw leaves();
    file = openSync(path, "r");
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw damaged(
      `${what} is stored in "${location}", which is missing or unreadable`,
    );
  }
  try {
    const offset = Number(entry("offset") ?? 0);
    const length = Number(entry("length") ?? needed);
    const held = statSync(path).size;
    if (!(offset >= 0) || length !== needed || offset + length > held) {
      throw damaged(
        `${what} needs ${needed} bytes at ${offset} of "${location}", which has ${held}`,
      );
    }
    const bytes = new Uint8Array(length);
    let read = 0;
    while (read < length) {
      const count = readSync(file, bytes, read, length - read, offset + read);
      if (count === 0) throw damaged(`${what}: "${location}" ended early`);
      read += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
