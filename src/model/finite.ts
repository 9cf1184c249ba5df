import type { FloatTensor } from "#onnx";

/**
 * Puts 0, in place, where a gradient has numbers that are not finite, as of a root at
 * 0: along them nothing is known, and the others are as good as they are.
 *
 * @returns the rows that had such numbers, ascending
 */
export function maskNotFinite({ data, dims }: FloatTensor): number[] {
  // 0 * v is 0 for a finite v alone: one sum finds whether there is anything to do.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += 0 * data[i]!;
  if (sum === 0) return [];
  const width = data.length / (dims[0] ?? 1);
  const rows = new Set<number>();
  data.forEach((v, i) => {
    if (Number.isFinite(v)) return;
    data[i] = 0;
    rows.add(Math.floor(i / width));
  });
  return [...rows];
}
