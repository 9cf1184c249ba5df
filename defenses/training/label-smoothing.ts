import { z } from "zod";
import { defineTrainingDefense, distributionCriterion } from "#tuning";

/**
 * Label smoothing (Szegedy et al. 2016, arXiv:1512.00567): targets are
 * (1 - epsilon) of the label and epsilon shared by all classes. No claim of
 * robustness by itself.
 */
export const labelSmoothing = defineTrainingDefense({
  id: "label-smoothing",
  title: "Label smoothing",
  reference: "Szegedy et al. 2016, arXiv:1512.00567",
  params: z.strictObject({ epsilon: z.number().min(0).max(1).default(0.1) }),
  open: ({ epsilon }) => ({
    criterion: distributionCriterion,
    prepare(batch) {
      const { targets } = batch;
      if (!targets) return batch;
      const classes = targets.dims[1] ?? 1;
      const data = targets.data.map(
        (t) => (1 - epsilon) * t + epsilon / classes,
      );
      return { ...batch, targets: { ...targets, data } };
    },
  }),
});
