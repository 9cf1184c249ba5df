import type { Random } from "#core";
import type { FloatTensor } from "#onnx";

/**
 * A random linear change of one image, and its adjoint; both [C, H, W] to [C, H, W].
 */
export interface Change {
  apply(image: Float32Array): Float32Array;
  /** The gradient at the image from the gradient at the changed one. */
  adjoint(gradient: Float32Array): Float32Array;
}

/**
 * With this probability an image is made smaller, to between `least` and all of
 * its size, and put at a random place among zeros (Xie et al. 2019,
 * arXiv:1803.06978; the paper enlarges the whole for networks that take any
 * size). Bilinear, with half-pixel centres.
 */
export function drawChange(
  shape: readonly number[],
  { probability, least }: { probability: number; least: number },
  random: Random,
): Change | null {
  const [channels = 1, height = 1, width = 1] = shape;
  if (random.uniform() >= probability) return null;
  const low = Math.max(1, Math.floor(least * Math.min(height, width)));
  const factor =
    (low + random.below(Math.min(height, width) - low + 1)) /
    Math.min(height, width);
  const rows = Math.max(1, Math.round(factor * height));
  const columns = Math.max(1, Math.round(factor * width));
  const top = random.below(height - rows + 1);
  const left = random.below(width - columns + 1);
  const visit = (
    use: (inner: number, outer: number, weight: number) => void,
  ) => {
    const vertical = taps(height, rows);
    const horizontal = taps(width, columns);
    for (let c = 0; c < channels; c++)
      for (let r = 0; r < rows; r++)
        for (let q = 0; q < columns; q++) {
          const outer = (c * height + top + r) * width + left + q;
          for (const [y, a] of vertical[r]!)
            for (const [x, b] of horizontal[q]!)
              use((c * height + y) * width + x, outer, a * b);
        }
  };
  const map = (
    from: Float32Array,
    direction: (to: Float32Array) => (i: number, o: number, w: number) => void,
  ) => {
    const to = new Float32Array(from.length);
    visit(direction(to));
    return to;
  };
  return {
    apply: (image) =>
      map(image, (to) => (i, o, w) => {
        to[o] = to[o]! + w * image[i]!;
      }),
    adjoint: (gradient) =>
      map(gradient, (to) => (i, o, w) => {
        to[i] = to[i]! + w * gradient[o]!;
      }),
  };
}

type Tap = readonly [place: number, weight: number];

/** Which of `size` places each of `count` samples is read from. */
function taps(size: number, count: number): Tap[][] {
  return Array.from({ length: count }, (_, k) => {
    const at = Math.min(
      size - 1,
      Math.max(0, ((k + 0.5) * size) / count - 0.5),
    );
    const first = Math.floor(at);
    const rest = at - first;
    return rest === 0
      ? [[first, 1]]
      : [
          [first, 1 - rest],
          [first + 1, rest],
        ];
  });
}

/** Rows with a change each; null leaves a row as it is. */
export function changed(
  rows: FloatTensor,
  changes: readonly (Change | null)[],
  way: keyof Change,
): FloatTensor {
  const width = rows.data.length / Math.max(1, changes.length);
  const data = Float32Array.from(rows.data);
  changes.forEach((change, i) => {
    if (!change) return;
    const row = rows.data.subarray(i * width, (i + 1) * width);
    data.set(change[way](row), i * width);
  });
  return { ...rows, data };
}
