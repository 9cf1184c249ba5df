import { z } from "zod";
import { defineTrainingDefense, distributionCriterion } from "#tuning";

/**
 * Label smoothing (Szegedy et al. 2016, arXiv:1512.00567): targets are
 * (1 - epsilon) of the label and epsilon shared by all classes; of several tasks, by
 * those of each. No claim of robustness by itself.
 */
export const labelSmoothing = defineTrainingDefense({
  id: "label-smoothing",
  needs: ["one class"],
  title: "Label smoothing",
  summary: "Trains on targets that leave a little to every other class.",
  caution:
    "It claims no robustness: flatter losses make attacks by gradients look weak, so what seems robust is mostly masked; judge it by apgd-t, square and the trust checks.",
  reference: "Szegedy et al. 2016, arXiv:1512.00567",
  manyTasks: true,
  isAlone: () => true,
  params: z.strictObject({
    epsilon: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe("share of a target that all classes have"),
  }),
  open: ({ epsilon }, { model: { heads, classes } }) => ({
    isBlind: true,
    criterion: distributionCriterion,
    prepare(batch) {
      const { targets } = batch;
      if (!targets) return batch;
      const counts = (heads ?? [{ classes }]).flatMap((head) =>
        head.classes.map(() => head.classes.length),
      );
      const data = targets.data.map(
        (t, i) => (1 - epsilon) * t + epsilon / counts[i % counts.length]!,
      );
      return { ...batch, targets: { ...targets, data } };
    },
  }),
});
