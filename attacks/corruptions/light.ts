import type { Corruption } from "./corruption.ts";

/**
 * Daylight: the constant is added to each pixel's brightest channel, and the
 * others grow with it, which is the value of hue, saturation and value.
 */
export const brightness: Corruption = {
  id: "brightness",
  severities: [0.05, 0.1, 0.15, 0.2, 0.3],
  apply({ channels, height, width, data }, more) {
    const size = height * width;
    const to = Float32Array.from(data);
    for (let i = 0; i < size; i++) {
      let value = 0;
      for (let c = 0; c < channels; c++)
        value = Math.max(value, data[c * size + i]!);
      const brighter = Math.min(1, value + more);
      for (let c = 0; c < channels; c++)
        to[c * size + i] =
          value === 0 ? brighter : (data[c * size + i]! * brighter) / value;
    }
    return to;
  },
};

/** The constant is what is left of each difference from its channel's mean. */
export const contrast: Corruption = {
  id: "contrast",
  severities: [0.75, 0.5, 0.4, 0.3, 0.15],
  apply({ channels, height, width, data }, left) {
    const size = height * width;
    const to = new Float32Array(data.length);
    for (let c = 0; c < channels; c++) {
      const plane = data.subarray(c * size, (c + 1) * size);
      const mean = plane.reduce((a, b) => a + b, 0) / size;
      to.set(
        plane.map((v) => (v - mean) * left + mean),
        c * size,
      );
    }
    return to;
  },
};
