// What JPEG is made of (ITU-T T.81): cosines of 8x8 blocks, and the tables by which
// they are rounded.

/** cosines[k][i]: wave k of 8 at place i, of length 1. */
export const cosines = Array.from({ length: 8 }, (_, k) =>
  Array.from(
    { length: 8 },
    (_, i) =>
      Math.sqrt((k === 0 ? 1 : 2) / 8) *
      Math.cos((Math.PI * k * (2 * i + 1)) / 16),
  ),
);

/**
 * The step by which each cosine of a block is rounded at a quality of 1 to 100, as
 * libjpeg scales a table.
 */
export function stepsAt(table: readonly number[], quality: number): number[] {
  const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return table.map((t) =>
    Math.min(255, Math.max(1, Math.floor((t * percent + 50) / 100))),
  );
}

/** Brightness and both colour differences less 128, from red, green and blue (JFIF). */
export const fromRgb = [
  [0.299, 0.587, 0.114],
  [-0.168736, -0.331264, 0.5],
  [0.5, -0.418688, -0.081312],
];

/** And back. */
export const toRgb = [
  [1, 0, 1.402],
  [1, -0.344136, -0.714136],
  [1, 1.772, 0],
];

/** For brightness (annex K, table K.1). */
// biome-ignore format: a table of 8 rows.
export const luminance = [
  16, 11, 10, 16, 24, 40, 51, 61,
  12, 12, 14, 19, 26, 58, 60, 55,
  14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62,
  18, 22, 37, 56, 68, 109, 103, 77,
  24, 35, 55, 64, 81, 104, 113, 92,
  49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];

/** For colour differences (annex K, table K.2). */
// biome-ignore format: a table of 8 rows.
export const chrominance = [
  17, 18, 24, 47, 99, 99, 99, 99,
  18, 21, 26, 66, 99, 99, 99, 99,
  24, 26, 56, 99, 99, 99, 99, 99,
  47, 66, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
];
