import { UsageError } from "#core";
import type { Dataset } from "#data";
import type { OpenPart } from "./part.ts";

/**
 * A weight for each class; "balanced" gives each class the same say, whatever its size.
 */
export type ClassWeights = "balanced" | ReadonlyMap<string, number>;

/**
 * Weighs the loss of each sample by its class; of soft labels by their share of
 * each. The mean is over weights, so that their scale does not matter.
 */
export const weighted =
  (weights: ClassWeights, train: Dataset): OpenPart =>
  () => {
    requireClasses("classWeights", train);
    const ofClass = weightsOf(weights, train);
    return {
      isBlind: true,
      prepare(batch) {
        const { y, targets } = batch;
        const data = Float32Array.from(y, (label, i) => {
          if (!targets) return ofClass[label]!;
          const row = targets.data.subarray(
            i * ofClass.length,
            (i + 1) * ofClass.length,
          );
          return row.reduce((sum, t, k) => sum + t * ofClass[k]!, 0);
        });
        const weight = { type: "float32" as const, dims: [y.length], data };
        return {
          ...batch,
          feeds: { ...batch.feeds, "class weight": weight },
        };
      },
      loss(g) {
        const weight = g.feed("class weight");
        const total = g.b.reduceSum(g.b.mul(g.each(), weight), [0]);
        return g.b.div(total, g.b.reduceSum(weight, [0]));
      },
    };
  };

/** @throws TRAINING_CLASSES for data whose samples have no single class */
export function requireClasses(setting: string, { targets }: Dataset): void {
  if (!targets) return;
  throw new UsageError(
    "TRAINING_CLASSES",
    `${setting} needs samples of one class each, the data has several labels or values a sample, or a class at each position`,
    "Leave it out.",
  );
}

function weightsOf(weights: ClassWeights, { y, classes }: Dataset): number[] {
  if (weights !== "balanced") {
    const stranger = [...weights.keys()].find((k) => !classes.includes(k));
    if (stranger !== undefined)
      throw new UsageError(
        "TRAINING_CLASSES",
        `classWeights names "${stranger}", which is no class of the task (${classes.join(", ")})`,
        "Correct the name.",
      );
    return classes.map((name) => weights.get(name) ?? 1);
  }
  return classes.map((_, k) => {
    const count = y.filter((label) => label === k).length;
    return y.length / (classes.length * Math.max(1, count));
  });
}
