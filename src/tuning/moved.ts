import type { FloatTensor } from "#onnx";

/**
 * Does something at other weights, and puts every bit back.
 *
 * @param move changes the numbers of a weight in place
 */
export async function atMoved<T>(
  weights: ReadonlyMap<string, FloatTensor>,
  move: (name: string, weight: FloatTensor) => void,
  act: () => Promise<T>,
): Promise<T> {
  const kept = [...weights.values()].map((w) => w.data.slice());
  try {
    for (const [name, weight] of weights) move(name, weight);
    return await act();
  } finally {
    [...weights.values()].forEach((w, i) => {
      w.data.set(kept[i] as Float32Array);
    });
  }
}

/** The length of a vector. */
export function lengthOf(vector: Float32Array): number {
  let squares = 0;
  for (const v of vector) squares += v * v;
  return Math.sqrt(squares);
}
