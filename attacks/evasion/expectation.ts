import type { Target } from "#model";
import type { FloatTensor } from "#onnx";

/**
 * The gradient at some rows as a mean over so many calls: expectation over the
 * draws of a model that draws at random (EOT, Athalye et al. 2018,
 * arXiv:1802.00420). Samples must be able to afford as many queries.
 */
export async function meanGradient(
  target: Target,
  x: FloatTensor,
  samples: readonly number[],
  draws: number,
  objective: Parameters<Target["lossGradient"]>[2],
): Promise<FloatTensor> {
  const { gradient } = await target.lossGradient(x, samples, objective);
  if (draws === 1) return gradient;
  const data = Float32Array.from(gradient.data);
  for (let draw = 1; draw < draws; draw++) {
    const { gradient: more } = await target.lossGradient(x, samples, objective);
    for (let i = 0; i < data.length; i++) data[i] = data[i]! + more.data[i]!;
  }
  // Directions count, so the sum would do as well. A mean is what it is called.
  return { ...gradient, data: data.map((v) => v / draws) };
}
