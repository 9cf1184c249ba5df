import { AssayError, fileSize, NPY_MAGIC, readBytes } from "#core";
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

/** The most bytes that are read at once. */
const LARGEST = 2 ** 31 - 1;

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

/** What the header of a NumPy file says. */
interface Header {
  readonly dims: readonly number[];
  readonly type: string;
  /** Where the numbers begin, and bytes of each. */
  readonly start: number;
  readonly width: number;
  /** Whether the first axis is the fastest. */
  readonly isColumns: boolean;
  readonly reader: Reader;
}

/** Bytes at the beginning of a file that have its header. */
const HEAD = 12 + 2 ** 16;

/** @param length of the whole file */
function headerOf(
  bytes: Uint8Array,
  length: number,
  file: string,
  hint = "Write it again with numpy.save, as an array of numbers.",
): Header {
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
  if (length !== start + width * size)
    throw refuse(`expected ${size} numbers, found ${(length - start) / width}`);
  const isColumns = header.includes("'fortran_order': True");
  return { dims, type: `${order}${code}`, start, width, isColumns, reader };
}

/**
 * Reads an array of numbers from a .npy file, of any version, byte order and
 * order of axes; float32 and bytes stay, everything else comes as float64.
 *
 * @throws NPY_INVALID
 */
export function readNpy(
  bytes: Uint8Array,
  file: string,
  hint?: string,
): NumpyArray {
  const header = headerOf(bytes, bytes.length, file, hint);
  const { dims, type, start, isColumns } = header;
  // No Buffer, whose `slice` copies nothing.
  const own = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const data = numbersIn(own.subarray(start), header);
  if (!isColumns) return { dims, type, data };
  const inRows = data.slice();
  for (let i = 0; i < data.length; i++) inRows[rowMajor(i, dims)] = data[i]!;
  return { dims, type, data: inRows };
}

/** Numbers one behind the other. Of bytes and aligned float32 they are a view. */
function numbersIn(
  bytes: Uint8Array,
  { type, width, reader }: Pick<Header, "type" | "width" | "reader">,
): NumpyArray["data"] {
  if (type.endsWith("u1")) return bytes;
  const size = bytes.length / width;
  if (type === "<f4" || type === "=f4") {
    // The numbers must begin at a multiple of four.
    const own = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    return new Float32Array(own.buffer, own.byteOffset, size);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const data = new (type.endsWith("f4") ? Float32Array : Float64Array)(size);
  for (let i = 0; i < size; i++) data[i] = reader(view, width * i);
  return data;
}

/** An array that is in a file, of which its header has been read. */
export interface NumpyFile {
  readonly dims: readonly number[];
  readonly type: string;
  /** Bytes of a number. */
  readonly width: number;
  /** Where its rows stand one behind the other; undefined where they do not. */
  readonly place?: { readonly file: string; readonly from: number } | undefined;
  /** The numbers of some bytes of it. */
  numbers(bytes: Uint8Array): NumpyArray["data"];
  /** All of it. */
  read(): NumpyArray;
}

/** An array that is in memory, as it was unpacked. */
export function unpackedNpy(bytes: Uint8Array, file: string): NumpyFile {
  const header = headerOf(bytes, bytes.length, file);
  const numbers = (some: Uint8Array) => numbersIn(some, header);
  return { ...header, numbers, read: () => readNpy(bytes, file) };
}

/**
 * Opens an array without reading its numbers.
 *
 * @param within where it stands in a larger file
 * @param shown how messages name it
 * @throws NPY_INVALID, FILE_UNREADABLE
 */
export function openNpy(
  file: string,
  within: { readonly from: number; readonly length: number } = {
    from: 0,
    length: fileSize(file),
  },
  shown = file,
): NumpyFile {
  const { from, length } = within;
  const head = readBytes(file, from, Math.min(length, HEAD));
  const header = headerOf(head, length, shown);
  const { start, isColumns } = header;
  return {
    ...header,
    place: isColumns ? undefined : { file, from: from + start },
    numbers: (some) => numbersIn(some, header),
    read() {
      if (length <= LARGEST)
        return readNpy(readBytes(file, from, length), shown);
      throw new AssayError(
        "NPY_INVALID",
        `${shown} is needed whole and has ${length} bytes, expected at most ${LARGEST}`,
        "Write it row by row, which is read in parts: numpy.save(file, numpy.ascontiguousarray(x)).",
      );
    },
  };
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
