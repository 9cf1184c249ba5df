/**
 * Writes pixels of 8 bits as planes in [0, 1]: `[H, W, C]` bytes become
 * `[C, H, W]` numbers at `offset`.
 */
export function writePlanes(
  x: Float32Array,
  offset: number,
  bytes: Uint8Array,
  channels: number,
): void {
  const area = bytes.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    const plane = offset + channel * area;
    for (let i = 0; i < area; i++) {
      x[plane + i] = bytes[i * channels + channel]! / 255;
    }
  }
}
