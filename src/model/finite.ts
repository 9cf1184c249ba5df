import type { FloatTensor } from "#onnx";

/**
 * Puts 0, in place, where a gradient has numbers that are not finite, as of a root at
 * 0: along them nothing is known, and the others are as good as they are.
 *
 * @returns the rows that had such numbers, ascending
 */
export function maskNotFinite({ data, dims }: FloatTensor): number[] {
  // 0 * v is 0 for a finite v alone: one sum finds whether there is anything to do.
  // In four parts, since an addition waits for the one before.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length - (data.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += 0 * data[i]!;
    b += 0 * data[i + 1]!;
    c += 0 * data[i + 2]!;
    d += 0 * data[i + 3]!;
  }
  for (let i = whole; i < data.length; i++) a += 0 * data[i]!;
  if (a + b + c + d === 0) return [];
  const width = data.length / (dims[0] ?? 1);
  const rows = new Set<number>();
  data.forEach((v, i) => {
    if (Number.isFinite(v)) return;
    data[i] = 0;
    rows.add(Math.floor(i / width));
  });
  return [...rows];
}
