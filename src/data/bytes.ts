import { FEW, type FloatTensor, Streamed, sizeOf, tensor } from "#onnx";

/** What bytes of images stand for: 0 to 1. */
export const UNIT: Float32Array = Float32Array.from(
  { length: 256 },
  (_, byte) => byte / 255,
);

/**
 * Bytes as a tensor of what each stands for. Many stay bytes, a quarter of the memory
 * of floats, and become floats row by row as they are asked for.
 *
 * @param bytes of all rows, which are kept and not copied
 * @param scale what each of the 256 stands for
 */
export function bytesAs(
  dims: readonly number[],
  bytes: Uint8Array,
  scale: Float32Array = UNIT,
): FloatTensor {
  if (bytes.length <= FEW) {
    const x = new Float32Array(bytes.length);
    scaleBytes(bytes, scale, x, 0);
    return tensor("float32", dims, x);
  }
  const width = sizeOf(dims.slice(1));
  return new Streamed(dims, {
    range: [Math.min(...scale), Math.max(...scale)],
    read(rows, to) {
      for (let i = 0; i < rows.length; i++) {
        const from = rows[i]! * width;
        scaleBytes(bytes.subarray(from, from + width), scale, to, i * width);
      }
    },
  });
}

/** Writes what bytes stand for at a place. */
export function scaleBytes(
  bytes: Uint8Array,
  scale: Float32Array,
  to: Float32Array,
  at: number,
): void {
  for (let i = 0; i < bytes.length; i++) to[at + i] = scale[bytes[i]!]!;
}

/** Writes pixels as planes: `[H, W, C]` becomes `[C, H, W]` at a place. */
export function putPlanes(
  to: Uint8Array,
  at: number,
  pixels: Uint8Array,
  channels: number,
): void {
  const area = pixels.length / channels;
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < area; i++)
      to[at + c * area + i] = pixels[i * channels + c]!;
}
