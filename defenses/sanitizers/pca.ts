import { z } from "zod";
import { AssayError } from "#core";
import { sizeOf } from "#onnx";
import { principal } from "../principal.ts";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Projection on the principal components of the training data and back (Bhagoji et al.
 * 2018, arXiv:1704.02654). What leaves the bounds is not cut, which would hide
 * gradients. The paper tries 10 to 784 components of MNIST. The default is 70 of them.
 */
export const pca = defineSanitizer({
  id: "pca",
  title: "PCA projection",
  summary:
    "Projects samples on the principal components of the training data, and back.",
  caution:
    "It is linear, so an attack that knows it looks for examples among the components. Fitted to clean training data: of another domain it takes away what matters.",
  reference: "Bhagoji et al. 2018, arXiv:1704.02654",
  params: z.strictObject({
    components: z
      .int()
      .positive()
      .default(70)
      .describe("principal components that are kept"),
  }),
  gradient: "exact",
  async fit({ train, engine, random }, { components }) {
    const width = sizeOf(train.x.dims.slice(1));
    const most = Math.min(width, train.y.length - 1);
    if (components > most) {
      throw new AssayError(
        "DEFENSE_FIT",
        `pca cannot find ${components} components of ${train.y.length} samples of ${width} numbers`,
        `Set components to at most ${most}.`,
      );
    }
    const found = await principal(train.x, components, engine, random);
    return new Map(Object.entries(found));
  },
  build(b, x, _params, { contract }, { fitted }) {
    const mean = b.constant(fitted("mean"));
    const directions = b.constant(fitted("directions"));
    const rows = b.sub(b.reshape(x, [-1, sizeOf(contract.shape)]), mean);
    const parts = b.matmul(rows, b.transpose(directions, [1, 0]));
    const back = b.add(b.matmul(parts, directions), mean);
    return b.reshape(back, [-1, ...contract.shape]);
  },
});
