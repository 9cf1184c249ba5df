import { AssayError, NPY_MAGIC } from "#core";
import { type FloatTensor, halfToNumber } from "#onnx";

/** An array of a NumPy file, row-major. */
export interface NumpyArray {
  readonly dims: readonly number[];
  /** As NumPy writes it: `<f4`, `|u1`, ... */
  readonly type: string;
  readonly data: Float32Array | Float64Array | Uint8Array;
}

/** Reads what `encodeNpy` writes. Throws NPY_INVALID for anything else. */
export function decodeNpy(bytes: Uint8Array, file: string): FloatTensor {
  const { dims, type, data } = readNpy(
    bytes,
    file,
    "Delete the file; it is computed again.",
  );
  if (type !== "<f4" || !(data instanceof Float32Array))
    throw new AssayError(
      "NPY_INVALID",
      `${file}: expected float32, found ${type}`,
      "Delete the file; it is computed again.",
    );
  return { type: "float32", dims, data };
}

type Reader = (view: DataView, at: number) => number;

/** How an element of each type is read, by the letter and size of NumPy. */
const readers: Readonly<Record<string, (little: boolean) => Reader>> = {
  b1: () => (v, at) => v.getUint8(at),
  u1: () => (v, at) => v.getUint8(at),
  i1: () => (v, at) => v.getInt8(at),
  u2: (little) => (v, at) => v.getUint16(at, little),
  i2: (little) => (v, at) => v.getInt16(at, little),
  u4: (little) => (v, at) => v.getUint32(at, little),
  i4: (little) => (v, at) => v.getInt32(at, little),
  u8: (little) => (v, at) => Number(v.getBigUint64(at, little)),
  i8: (little) => (v, at) => Number(v.getBigInt64(at, little)),
  f2: (little) => (v, at) => halfToNumber(v.getUint16(at, little)),
  f4: (little) => (v, at) => v.getFloat32(at, little),
  f8: (little) => (v, at) => v.getFloat64(at, little),
};

/**
 * Reads an array of numbers from a .npy file, of any version, byte order and
 * order of axes; float32 and bytes stay, everything else comes as float64.
 *
 * @throws NPY_INVALID
 */
export function readNpy(
  bytes: Uint8Array,
  file: string,
  hint = "Write it again with numpy.save, as an array of numbers.",
): NumpyArray {
  const refuse = (why: string, what = hint) =>
    new AssayError("NPY_INVALID", `${file}: ${why}`, what);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 12 || buffer.toString("latin1", 0, 6) !== NPY_MAGIC)
    throw refuse("not a .npy file");
  const wide = buffer[6]! > 1;
  const start = wide
    ? 12 + buffer.readUInt32LE(8)
    : 10 + buffer.readUInt16LE(8);
  const header = buffer.toString("latin1", wide ? 12 : 10, start);
  const shape = /'shape': \(([\d, ]*)\)/.exec(header)?.[1];
  const [, order = "", code = ""] =
    /'descr': '([<>|=])([a-z]\d+)'/.exec(header) ?? [];
  const reader = readers[code]?.(order !== ">");
  if (shape === undefined || !reader)
    throw refuse(
      `expected an array of numbers, found ${/'descr': ([^,]*),/.exec(header)?.[1] ?? "no type"}`,
      /'descr': '[<>|]?[US]/.test(header)
        ? "Write names as numbers (classes, y = numpy.unique(names, return_inverse=True)), and the names as classes in the suite."
        : undefined,
    );
  const dims = shape
    .split(",")
    .flatMap((d) => (d.trim() === "" ? [] : [Number(d)]));
  const size = dims.reduce((p, d) => p * d, 1);
  const width = Number(code.slice(1));
  if (buffer.length !== start + width * size)
    throw refuse(
      `expected ${size} numbers, found ${(buffer.length - start) / width}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  const columns = header.includes("'fortran_order': True");
  if (code === "u1" && !columns)
    return { dims, type: `${order}${code}`, data: bytes.subarray(start) };
  const Kind = { f4: Float32Array, u1: Uint8Array }[code] ?? Float64Array;
  const data = new Kind(size);
  if (data instanceof Float32Array && order !== ">" && !columns)
    // Copied, because the numbers must begin at a multiple of four.
    new Uint8Array(data.buffer).set(buffer.subarray(start));
  else
    for (let i = 0; i < size; i++)
      data[columns ? rowMajor(i, dims) : i] = reader(view, width * i);
  return { dims, type: `${order}${code}`, data };
}

/** Where the i-th number of an array with the first axis fastest stands row by row. */
function rowMajor(i: number, dims: readonly number[]): number {
  let rest = i;
  const places = dims.map((dim) => {
    const place = rest % dim;
    rest = Math.floor(rest / dim);
    return place;
  });
  return places.reduce((at, place, k) => at * dims[k]! + place, 0);
}
