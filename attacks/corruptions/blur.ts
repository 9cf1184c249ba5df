import type { Corruption, Image } from "./corruption.ts";

/**
 * Gaussian blur. The constant is its deviation in pixels. Reaches four deviations, the
 * border repeated outwards.
 */
export const gaussianBlur: Corruption = {
  id: "gaussian-blur",
  severities: [0.4, 0.6, 0.7, 0.8, 1],
  apply(image, deviation) {
    const half = Math.floor(4 * deviation + 0.5);
    const weights = Array.from({ length: 2 * half + 1 }, (_, k) =>
      Math.exp(-((k - half) ** 2) / (2 * deviation ** 2)),
    );
    const total = weights.reduce((a, b) => a + b, 0);
    const kernel = weights.map((w) => w / total);
    const { height, width } = image;
    return along(along(image.data, kernel, height, width), kernel, width, 1);
  },
};

/** A kernel along one side, whose places are `stride` apart. */
function along(
  data: Image["data"],
  kernel: readonly number[],
  length: number,
  stride: number,
): Float32Array {
  const half = (kernel.length - 1) / 2;
  const to = new Float32Array(data.length);
  for (let i = 0; i < to.length; i++) {
    const place = Math.floor(i / stride) % length;
    let sum = 0;
    for (let k = 0; k < kernel.length; k++) {
      const there = Math.min(length - 1, Math.max(0, place + k - half));
      sum += kernel[k]! * data[i + (there - place) * stride]!;
    }
    to[i] = sum;
  }
  return to;
}
