import { z } from "zod";
import { distributionCriterion } from "../criteria.ts";
import { defineAugmentation, mapRows, mixedTargets } from "./augmentation.ts";
import { beta } from "./beta.ts";

/**
 * mixup (Zhang et al. 2018, arXiv:1710.09412): every sample becomes a blend of
 * itself and another of its batch, inputs and labels alike, by one share a batch
 * from Beta(alpha, alpha). The paper takes 0.1 to 0.4 for ImageNet and 1 for CIFAR-10.
 */
export const mixup = defineAugmentation({
  id: "mixup",
  title: "mixup",
  summary:
    "Blends each sample with another of its batch, inputs and labels alike.",
  caution:
    "It makes the model less sure, which weakens attacks by gradients without making it robust: judge it by apgd-t and the trust checks. A blend of rows of a table may be no row that can be.",
  reference: "Zhang et al. 2018, arXiv:1710.09412",
  needs: ["one answer"],
  params: z.strictObject({
    alpha: z
      .number()
      .positive()
      .default(0.2)
      .describe("shape of the Beta distribution that shares are drawn from"),
  }),
  open: ({ alpha }) => ({
    criterion: distributionCriterion,
    prepare(batch, { batchRandom }) {
      const random = batchRandom.fork("mixup");
      const share = beta(alpha, alpha, random);
      const other = random.permutation(batch.y.length);
      const width = batch.x.data.length / batch.y.length;
      const x = mapRows(batch.x, (row, i) => {
        const from = other[i]! * width;
        return row.map(
          (v, k) => share * v + (1 - share) * batch.x.data[from + k]!,
        );
      });
      return { ...batch, x, targets: mixedTargets(batch, other, share) };
    },
  }),
});
