// Resizing and cropping as pipelines of published models do it: by Pillow, with the
// crop of torchvision. Plain JavaScript, since it runs in the thread of image-worker.mjs.

/** Kernels of Pillow: how far they reach, and their weight at a distance. */
const kernels = {
  bilinear: {
    reach: 1,
    weight: (x) => Math.max(0, 1 - Math.abs(x)),
  },
  bicubic: {
    reach: 2,
    weight(x) {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
      return 0;
    },
  },
};

/** Bits behind the point of a weight: 8 bits of a value and 2 to spare are left of 32. */
const BITS = 32 - 8 - 2;

/**
 * For each place of the output from one to before another: the first input that it is
 * made of, and the weight of each, in whole numbers. Where the output is smaller, the
 * kernel is as much wider (antialias).
 */
function weightsOf(from, to, low, high, { reach, weight }) {
  const scale = from / to;
  const wide = Math.max(1, scale);
  const support = reach * wide;
  return Array.from({ length: high - low }, (_, i) => {
    const centre = (low + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: last - first }, (_, k) =>
      weight((k + first - centre + 0.5) * (1 / wide)),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    const weights = Int32Array.from(raw, (w) => {
      const share = (sum === 0 ? w : w / sum) * 2 ** BITS;
      return Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    });
    return { first, weights };
  });
}

const clipped = (sum) => Math.min(255, Math.max(0, sum >> BITS));

/**
 * A pass along one axis, rounded to bytes: `count` lines, whose values stand `step`
 * apart and begin at `line(i)`, become lines of as many values as there are places.
 */
function pass(bytes, lines, step, places, to, line, put, next) {
  for (let l = 0; l < lines; l++) {
    const start = line(l);
    for (let p = 0; p < places.length; p++) {
      const { first, weights } = places[p];
      let sum = 1 << (BITS - 1);
      let at = start + first * step;
      for (let k = 0; k < weights.length; k++) {
        sum += bytes[at] * weights[k];
        at += step;
      }
      to[put(l) + p * next] = clipped(sum);
    }
  }
}

/**
 * An image [H, W, C] whose shorter side is resized and whose centre is cropped, to the
 * values of `Resize(resize, interpolation)` and `CenterCrop(crop)` of torchvision on an
 * image of Pillow (src/libImaging/Resample.c, two passes of 8 bits; MIT-CMU). Only what
 * the crop leaves is computed.
 */
export function resizedAndCropped(
  { height, width, channels, bytes },
  { resize, crop, kernel },
) {
  const short = Math.min(height, width);
  const side = (length) =>
    length === short ? resize : Math.trunc((resize * length) / short);
  const [tall, wide] = [side(height), side(width)];
  const top = halfOf(tall - crop);
  const left = halfOf(wide - crop);
  const columns = weightsOf(width, wide, left, left + crop, kernels[kernel]);
  const rows = weightsOf(height, tall, top, top + crop, kernels[kernel]);
  // Rows that no row of the crop is made of are left out.
  const low = Math.min(...rows.map(({ first }) => first));
  const high = Math.max(
    ...rows.map(({ first, weights }) => first + weights.length),
  );
  const between = new Uint8Array((high - low) * crop * channels);
  const out = new Uint8Array(crop * crop * channels);
  for (let c = 0; c < channels; c++) {
    pass(
      bytes,
      high - low,
      channels,
      columns,
      between,
      (y) => (low + y) * width * channels + c,
      (y) => y * crop * channels + c,
      channels,
    );
    pass(
      between,
      crop,
      crop * channels,
      rows.map(({ first, weights }) => ({ first: first - low, weights })),
      out,
      (x) => x * channels + c,
      (x) => x * channels + c,
      crop * channels,
    );
  }
  return { height: crop, width: crop, channels, bytes: out };
}

/** Half of a whole number, rounded to an even one, as Python does. */
function halfOf(n) {
  const half = Math.floor(n / 2);
  return n % 2 === 0 || half % 2 === 0 ? half : half + 1;
}
