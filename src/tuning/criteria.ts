import { crossEntropy, distributionCrossEntropy, lossOf } from "#autodiff";
import { type Model, meaningOf } from "#model";
import { type GraphBuilder, int } from "#onnx";

/** How outputs are compared with what they should be. */
export interface Criterion {
  /**
   * Whether targets are floats in the shape of the outputs, and not a class
   * for each sample.
   */
  readonly floats: boolean;
  /** The loss of each sample, [N]. */
  each(b: GraphBuilder, outputs: string, targets: string): string;
}

/** -log softmax(z)_y */
export const classCriterion: Criterion = { floats: false, each: crossEntropy };

/** That of a model's task. */
export function taskCriterion(model: Model): Criterion {
  const { loss, targets, classes, measured } = meaningOf(model);
  if (!targets) return classCriterion;
  const { build } = lossOf(loss, classes);
  return {
    floats: true,
    each: (b, outputs, wanted) =>
      build(
        b,
        measured?.(b, outputs, "outputs") ?? outputs,
        measured?.(b, wanted, "targets") ?? wanted,
        "",
      ),
  };
}

/** Cross-entropy with a distribution: -sum_k t_k log softmax(z)_k. */
export const distributionCriterion: Criterion = {
  floats: true,
  each: distributionCrossEntropy,
};

/** Mean of the squared differences of a sample. */
export const squareCriterion: Criterion = {
  floats: true,
  each(b, outputs, targets) {
    const difference = b.sub(outputs, targets);
    const axes = b.rankedDims(outputs).map((_, i) => i);
    return b.op(
      "ReduceMean",
      [b.mul(difference, difference), b.ints(axes.slice(1))],
      { keepdims: int(0) },
    );
  },
};
