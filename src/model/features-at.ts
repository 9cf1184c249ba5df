import type { FloatTensor } from "#onnx";
import type { Book } from "./book.ts";
import type { CompiledModel, Draws, LossGradient } from "./compiled.ts";

/**
 * What an attack gets of the features at a cut: every row counts as a query,
 * and none is judged.
 */
export interface FeaturesAt {
  /** Numbers in the features of a sample. */
  readonly width: number;
  /**
   * Features [rows, width] of rows of examples. `samples` says of which
   * sample each row is.
   */
  values(x: FloatTensor, samples: readonly number[]): Promise<FloatTensor>;
  /**
   * The squared L2 distance of the features of each row from what they are to be,
   * and its gradient.
   *
   * @param wanted [rows, width]
   */
  distance(
    x: FloatTensor,
    samples: readonly number[],
    wanted: FloatTensor,
  ): Promise<{
    readonly squared: Float64Array;
    readonly gradient: FloatTensor;
  }>;
}

/** Grants the features of a model that was cut off there. */
export function grantFeatures(
  part: CompiledModel,
  {
    spend,
    drawsOf,
    masked,
  }: Pick<Book<never>, "spend"> & {
    drawsOf(samples: readonly number[]): Draws;
    /** Takes note of the samples whose gradient is not finite. */
    masked(answer: LossGradient, samples: readonly number[]): void;
  },
): FeaturesAt {
  const width = part.model.classes.length;
  return {
    width,
    values(rows, samples) {
      spend("forward", samples);
      return part.logits(rows, drawsOf(samples));
    },
    async distance(rows, samples, wanted) {
      spend("gradient", samples);
      const answer = await part.lossGradient(
        rows,
        samples,
        { targets: wanted },
        drawsOf(samples),
      );
      masked(answer, samples);
      const { loss, gradient } = answer;
      // The loss of values is the mean over them.
      const data = gradient.data.map((g) => g * width);
      return {
        squared: Float64Array.from(loss, (v) => v * width),
        gradient: { ...gradient, data },
      };
    },
  };
}
