import { AssayError } from "#core";
import type { FloatTensor } from "#onnx";

const MAGIC = "\x93NUMPY\x01\x00";

/** The bytes of a NumPy .npy file (version 1.0) of a float32 array. */
export function encodeNpy({ dims, data }: FloatTensor): Uint8Array {
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  // The header ends in a newline at a multiple of 64 bytes.
  const length =
    Math.ceil((MAGIC.length + 2 + text.length + 1) / 64) * 64 -
    MAGIC.length -
    2;
  const header = Buffer.alloc(MAGIC.length + 2 + length, " ");
  header.write(MAGIC, 0, "latin1");
  header.writeUInt16LE(length, MAGIC.length);
  header.write(text, MAGIC.length + 2, "latin1");
  header[header.length - 1] = 0x0a;
  return Buffer.concat([
    header,
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
}

/** Reads what `encodeNpy` writes. Throws NPY_INVALID for anything else. */
export function decodeNpy(bytes: Uint8Array, file: string): FloatTensor {
  const refuse = (why: string) =>
    new AssayError(
      "NPY_INVALID",
      `${file}: ${why}`,
      "Delete the file; it is computed again.",
    );
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 10 || buffer.toString("latin1", 0, 8) !== MAGIC)
    throw refuse("not a .npy file of version 1.0");
  const start = 10 + buffer.readUInt16LE(8);
  const header = buffer.toString("latin1", 10, start);
  const shape = /'shape': \(([\d, ]*)\)/.exec(header)?.[1];
  if (!header.includes("'<f4'") || shape === undefined)
    throw refuse("expected float32 in row-major order");
  const dims = shape
    .split(",")
    .flatMap((d) => (d.trim() === "" ? [] : [Number(d)]));
  const size = dims.reduce((p, d) => p * d, 1);
  if (buffer.length !== start + 4 * size)
    throw refuse(
      `expected ${size} numbers, found ${(buffer.length - start) / 4}`,
    );
  // Copied, because the numbers must begin at a multiple of four.
  const data = new Float32Array(size);
  new Uint8Array(data.buffer).set(buffer.subarray(start));
  return { type: "float32", dims, data };
}
