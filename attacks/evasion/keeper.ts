import { copyOf, type FloatTensor, sizeOf } from "#onnx";
import { rowOf } from "./vectors.ts";

/**
 * The best example of each sample by a measure of the attack's own, where that
 * is not the distance by which the target keeps them.
 */
export interface Keeper {
  /** Keeps the row where its measure is less than that of the one that is kept. */
  offer(sample: number, row: Float32Array, measure: number): void;
  /** These examples, with those that were kept in the place of the target's. */
  over(examples: FloatTensor): FloatTensor;
}

/** An empty keeper of samples like these. */
export function keeperOf(like: FloatTensor): Keeper {
  const kept = copyOf(like);
  const width = sizeOf(like.dims.slice(1));
  const least = new Float64Array(like.dims[0] ?? 0).fill(Infinity);
  return {
    offer(sample, row, measure) {
      if (!(measure < least[sample]!)) return;
      least[sample] = measure;
      kept.data.set(row, sample * width);
    },
    over(examples) {
      const chosen = copyOf(examples);
      least.forEach((measure, i) => {
        if (measure < Infinity) chosen.data.set(rowOf(kept, i), i * width);
      });
      return chosen;
    },
  };
}
