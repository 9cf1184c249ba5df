import type { Random } from "#core";

/**
 * The frequencies [channel, vertical, horizontal] of the lowest share of an image's
 * cosine waves, along each side.
 */
export function lowWaves(shape: readonly number[], share: number): number[][] {
  const [channels = 1, height = 1, width = 1] = shape;
  const rows = Math.max(1, Math.round(share * height));
  const columns = Math.max(1, Math.round(share * width));
  return Array.from({ length: channels * rows * columns }, (_, i) => [
    Math.floor(i / (rows * columns)),
    Math.floor(i / columns) % rows,
    i % columns,
  ]);
}

/**
 * One wave of the orthonormal cosine basis (DCT-II) of an image [C, H, W]: of length
 * 1, in one channel.
 */
export function cosineWave(
  shape: readonly number[],
  [channel = 0, vertical = 0, horizontal = 0]: readonly number[],
): Float32Array {
  const [channels = 1, height = 1, width = 1] = shape;
  const wave = new Float32Array(channels * height * width);
  for (let r = 0; r < height; r++)
    for (let c = 0; c < width; c++)
      wave[(channel * height + r) * width + c] =
        along(vertical, height, r) * along(horizontal, width, c);
  return wave;
}

/** The k-th wave along a side of n, at i. */
const along = (k: number, n: number, i: number) =>
  Math.sqrt((k === 0 ? 1 : 2) / n) *
  Math.cos((Math.PI * k * (2 * i + 1)) / (2 * n));

/**
 * Draws sums of an image's lowest cosine waves, `count` along each side, with
 * normal weights. One side after the other, which costs a fraction of adding up
 * waves.
 */
export function lowNoise(
  shape: readonly number[],
  count: number,
): (random: Random) => Float32Array {
  const [channels = 1, height = 1, width = 1] = shape;
  const sides = [height, width].map((n) =>
    Array.from({ length: Math.min(count, n) }, (_, k) =>
      Float64Array.from({ length: n }, (_, i) => along(k, n, i)),
    ),
  );
  const [down = [], right = []] = sides;
  return (random) => {
    const noise = new Float32Array(channels * height * width);
    for (let c = 0; c < channels; c++)
      for (const column of down) {
        const line = new Float64Array(width);
        for (const wave of right) {
          const weight = random.normal();
          for (let i = 0; i < width; i++)
            line[i] = line[i]! + weight * wave[i]!;
        }
        for (let r = 0; r < height; r++) {
          const from = (c * height + r) * width;
          for (let i = 0; i < width; i++)
            noise[from + i] = noise[from + i]! + column[r]! * line[i]!;
        }
      }
    return noise;
  };
}
