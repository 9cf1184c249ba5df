import { AssayError } from "#core";
import { externalPart } from "./external.ts";
import {
  type TensorProto,
  TensorProto_DataLocation,
} from "./generated/onnx-ml_pb.ts";
import { rememberOrigin, tensorLeftInFile, tensorOfFile } from "./origin.ts";
import {
  type ArrayOf,
  arrayTypes,
  type DataType,
  type Tensor,
} from "./tensor.ts";
import { dataTypeOf } from "./types.ts";

const damaged = (what: string) =>
  new AssayError("MODEL_INVALID", what, "Download or export the model again.");

/** The file that a tensor is decoded from. */
export interface TensorFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Its size, and when it was last changed. */
  readonly size: number;
  readonly changed: number;
  /**
   * Where weights lie that are left in their files, and are read where they are asked
   * for; undefined where all are held.
   */
  readonly left?: ReadonlyMap<TensorProto, { offset: number; length: number }>;
}

/**
 * A tensor from its encoded form, whichever of the six ways ONNX has. One that
 * is stored outside the file is read when its data are first asked for.
 *
 * @param what names the tensor in messages
 * @param file where it stands; external data, which lie beside it, are
 *   refused when undefined
 */
export function decodeTensor(
  t: TensorProto,
  what: string,
  file: TensorFile | undefined,
): Tensor {
  const type = dataTypeOf(t.dataType, what);
  const dims = t.dims.map(Number);
  const size = dims.reduce((product, d) => product * d, 1);
  if (dims.some((d) => d < 0) || !Number.isSafeInteger(size)) {
    throw damaged(`${what} has the impossible shape [${dims.join(", ")}]`);
  }
  if (
    type !== "string" &&
    t.dataLocation === TensorProto_DataLocation.EXTERNAL
  ) {
    const needed = size * arrayTypes[type].BYTES_PER_ELEMENT;
    const part = externalPart(t, needed, what, file?.path);
    const read = file?.left ? tensorLeftInFile : tensorOfFile;
    return read(type, dims, part, (bytes) => fromRaw(bytes, type, size, what));
  }
  const place = file?.left?.get(t);
  if (file && place && type !== "string") {
    const { path, size: whole, changed } = file;
    requireBytes(place, type, size, what);
    return tensorLeftInFile(
      type,
      dims,
      { path, ...place, size: whole, changed },
      (bytes) => fromRaw(bytes, type, size, what),
    );
  }
  const data =
    type === "string"
      ? t.stringData.map((s) => new TextDecoder().decode(s))
      : numbersOf(t, type, size, what);
  if (data.length !== size) {
    throw damaged(
      `${what} has ${data.length} elements, its shape [${dims.join(", ")}] needs ${size}`,
    );
  }
  const decoded = { type, dims, data };
  const raw = t.rawData;
  if (file && raw?.length && raw.buffer === file.bytes.buffer) {
    const { path, bytes, size: whole, changed } = file;
    const offset = raw.byteOffset - bytes.byteOffset;
    const length = raw.length;
    rememberOrigin(decoded, { path, offset, length, size: whole, changed });
  }
  return decoded;
}

function numbersOf(
  t: TensorProto,
  type: Exclude<DataType, "string">,
  size: number,
  what: string,
): ArrayOf[typeof type] {
  const bytes = t.rawData;
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
  requireBytes(bytes, type, size, what);
  const Type = arrayTypes[type];
  const aligned =
    bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0
      ? bytes
      : Uint8Array.from(bytes);
  return new Type(aligned.buffer as ArrayBuffer, aligned.byteOffset, size);
}

function requireBytes(
  { length }: { readonly length: number },
  type: Exclude<DataType, "string">,
  size: number,
  what: string,
): void {
  const needed = size * arrayTypes[type].BYTES_PER_ELEMENT;
  if (length !== needed)
    throw damaged(
      `${what} has ${length} bytes of data, its shape needs ${needed}`,
    );
}
