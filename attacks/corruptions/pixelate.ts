import type { Corruption } from "./corruption.ts";

/**
 * Made smaller by means of boxes of pixels, and large again. The constant is the
 * size in between.
 */
export const pixelate: Corruption = {
  id: "pixelate",
  severities: [0.95, 0.9, 0.85, 0.75, 0.65],
  apply({ channels, height, width, data }, share) {
    const rows = boxes(height, Math.max(1, Math.floor(share * height)));
    const columns = boxes(width, Math.max(1, Math.floor(share * width)));
    const to = new Float32Array(data.length);
    for (let c = 0; c < channels; c++)
      for (let r = 0; r < height; r++)
        for (let q = 0; q < width; q++) {
          const [top, bottom] = rows[r] as [number, number];
          const [left, right] = columns[q] as [number, number];
          let sum = 0;
          for (let y = top; y < bottom; y++)
            for (let x = left; x < right; x++)
              sum += data[(c * height + y) * width + x]!;
          to[(c * height + r) * width + q] =
            sum / ((bottom - top) * (right - left));
        }
    return to;
  },
};

/**
 * For each place the span that its pixel is the mean of, when `size`
 * places become `fewer`.
 */
function boxes(size: number, fewer: number): [from: number, to: number][] {
  const scale = size / fewer;
  return Array.from({ length: size }, (_, place) => {
    const pixel = Math.min(fewer - 1, Math.floor((place + 0.5) / scale));
    const middle = (pixel + 0.5) * scale;
    const from = Math.max(0, Math.floor(middle - scale / 2 + 0.5));
    const to = Math.min(size, Math.floor(middle + scale / 2 + 0.5));
    return [from, Math.max(from + 1, to)];
  });
}
