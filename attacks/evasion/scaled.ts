import type { FloatTensor } from "#onnx";

/**
 * The mean gradient over copies of an input that are scaled down by powers of
 * two (scale invariance, Lin et al. 2020, arXiv:1908.06281, section 3.3).
 *
 * @param gradientAt the gradient at a copy, with respect to it
 */
export async function overScales(
  points: FloatTensor,
  scales: number,
  gradientAt: (points: FloatTensor) => Promise<FloatTensor>,
): Promise<FloatTensor> {
  const sum = new Float32Array(points.data.length);
  for (let k = 0; k < scales; k++) {
    const scale = 2 ** -k;
    const data = points.data.map((v) => v * scale);
    const { data: slopes } = await gradientAt({ ...points, data });
    for (let i = 0; i < sum.length; i++)
      sum[i] = sum[i]! + (slopes[i]! * scale) / scales;
  }
  return { ...points, data: sum };
}
