/** How every file of NumPy begins. */
export const NPY_MAGIC = "\x93NUMPY";

/** The bytes of a NumPy .npy file (version 1.0) of a float32 array. */
export function encodeNpy({
  dims,
  data,
}: {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}): Uint8Array {
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  const start = NPY_MAGIC.length + 4;
  // The header ends in a newline at a multiple of 64 bytes.
  const length = Math.ceil((start + text.length + 1) / 64) * 64 - start;
  const header = Buffer.alloc(start + length, " ");
  header.write(`${NPY_MAGIC}\x01\x00`, 0, "latin1");
  header.writeUInt16LE(length, start - 2);
  header.write(text, start, "latin1");
  header[header.length - 1] = 0x0a;
  return Buffer.concat([
    header,
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
}
