import type { FloatTensor } from "#onnx";

/**
 * Gradients of images [N, C, H, W] smoothed by a Gaussian kernel of unit sum,
 * which stands for the mean over shifted images (translation invariance, Dong
 * et al. 2019, arXiv:1904.02884). The kernel reaches three deviations to each
 * side; outside of the image there is nothing.
 *
 * @param size of the kernel, odd; 1 changes nothing
 */
export function smoothed(gradient: FloatTensor, size: number): FloatTensor {
  const [, , height, width] = gradient.dims;
  if (size === 1 || !height || !width) return gradient;
  const kernel = gaussian(size);
  const half = (size - 1) / 2;
  let from = gradient.data;
  for (const [length, stride] of [
    [height, width],
    [width, 1],
  ] as const) {
    const to = new Float32Array(from.length);
    for (let i = 0; i < to.length; i++) {
      const place = Math.floor(i / stride) % length;
      let sum = 0;
      for (let k = 0; k < size; k++) {
        const shift = k - half;
        if (place + shift < 0 || place + shift >= length) continue;
        sum += kernel[k]! * from[i + shift * stride]!;
      }
      to[i] = sum;
    }
    from = to;
  }
  return { ...gradient, data: from };
}

function gaussian(size: number): number[] {
  const values = Array.from({ length: size }, (_, k) =>
    Math.exp(-(((6 * k) / (size - 1) - 3) ** 2) / 2),
  );
  const total = values.reduce((sum, v) => sum + v, 0);
  return values.map((v) => v / total);
}
