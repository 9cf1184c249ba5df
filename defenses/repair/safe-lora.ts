import { z } from "zod";
import { defineRestore } from "./repair.ts";
import {
  difference,
  inner,
  type Matrix,
  movedMatrices,
  ofFirst,
  product,
  scaled,
  transposed,
  withAdded,
} from "./update.ts";

/**
 * Safe LoRA (Hsu et al. 2024, arXiv:2405.16833): what a training changed of a matrix is
 * put where the alignment V = W_released - W_base lies, in layers where the two point
 * apart. As published that is C D with C = V V' / |V|, where cos(C D, D) is at most
 * `threshold`; C is no projector, and its size is that of V. `projector: true` takes U
 * U' of the first `rank` left singular vectors of V instead. The authors take B of a
 * LoRA for D = B A, which is the same where there is a LoRA; full updates count here
 * too, and what is no matrix of a layer stays as it was trained.
 */
export const safeLora = defineRestore({
  id: "safe-lora",
  title: "Safe LoRA",
  summary:
    "Projects what a training changed of a released language model onto the directions of its alignment, where the two point apart.",
  caution:
    "As published it is no projection, and shrinks or grows an update with the alignment's size: put `projector: true` beside it. It needs the base before the alignment.",
  reference: "Hsu et al. 2024, arXiv:2405.16833",
  needs: ["base"],
  params: z.strictObject({
    threshold: z
      .number()
      .min(-1)
      .max(1)
      .default(0.5)
      .describe("the cosine up to which a layer is projected"),
    projector: z
      .boolean()
      .default(false)
      .describe("whether the projection is one, of the first singular vectors"),
    rank: z
      .int()
      .positive()
      .default(6)
      .describe("singular vectors that a true projector has"),
  }),
  async restore({ model, released, base, params, random }) {
    const added = new Map<string, Matrix>();
    for (const name of movedMatrices(model, released)) {
      const update = difference(model, released, name);
      const aligned = difference(released, base ?? released, name);
      const length = Math.sqrt(inner(aligned, aligned));
      // Where alignment changed nothing, it has no directions.
      if (length === 0) continue;
      const project = params.projector
        ? ofFirst(aligned, params.rank, random.fork(name))
        : (m: Matrix) =>
            scaled(
              product(aligned, product(transposed(aligned), m)),
              1 / length,
            );
      const put = project(update);
      if (cosine(put, update) <= params.threshold)
        added.set(name, {
          ...put,
          data: put.data.map((v, i) => v - update.data[i]!),
        });
    }
    return withAdded(model, added);
  },
});

const cosine = (a: Matrix, b: Matrix): number =>
  inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b) || 1);
