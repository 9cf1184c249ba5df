import { z } from "zod";
import { argmaxRows } from "#model";
import { copyOf, takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { cosine, lengthOf, rowOf } from "./vectors.ts";

/**
 * Decoupled direction and norm (Rony et al. 2019, arXiv:1811.09600): the
 * direction follows the gradient of the cross-entropy by steps that shrink from
 * 1 to 0.01; the norm shrinks by a factor where the sample is misclassified and
 * grows where it is not. Norm and steps are in the unit of the bounds' width.
 *
 * As in the authors' code the norm never exceeds that of the farthest corner.
 * Images are not rounded to 256 levels.
 */
export const ddn = defineAttack({
  id: "ddn",
  title: "DDN",
  summary:
    "Looks for the nearest example in L2: the direction follows the gradient of the cross-entropy, and the norm shrinks by a factor where the sample is misclassified and grows where it is not.",
  caution:
    "Distances are bounds from above, and few steps leave them too large. It follows the cross-entropy, so a model that is too sure to have a slope stops it; compare fab or fmn.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["l2"],
  reference: "Rony et al. 2019, arXiv:1811.09600",
  taxonomy: whiteBox,
  params: z.strictObject({
    steps: z.int().positive().default(100).describe("steps of the search"),
    initialNorm: z
      .number()
      .positive()
      .default(1)
      .describe("norm of the first change, in the unit of the bounds' width"),
    gamma: z
      .number()
      .positive()
      .lt(1)
      .default(0.05)
      .describe("the factor by which the norm grows or shrinks"),
  }),
  async run({ target, x, y, ball, params, random, onProgress }) {
    const { steps, initialNorm, gamma } = params;
    const [low, high] = ball.bounds;
    const width = high - low;
    const tries = copyOf(x);
    const norms = new Float64Array(y.length).fill(initialNorm * width);
    const streams = random.map((r) => r.fork("direction"));
    for (let step = 0; step < steps; step++) {
      onProgress(step / steps);
      const open = target.open();
      if (open.length === 0) return target.examples();
      const { gradient, logits } = await target.lossGradient(
        takeRows(tries, open),
        open,
      );
      const predicted = argmaxRows(logits);
      const size = width * cosine(1, 0.01, step / steps);
      open.forEach((sample, place) => {
        const centre = rowOf(x, sample);
        const point = rowOf(tries, sample);
        const direction = rowOf(gradient, place);
        let length = lengthOf(direction);
        if (length === 0) {
          // Where the gradient has vanished any direction is as good.
          const stream = streams[sample];
          for (let k = 0; k < direction.length; k++)
            direction[k] = stream?.normal() ?? 0;
          length = lengthOf(direction);
        }
        const delta = new Float32Array(point.length);
        let farthest = 0;
        for (let k = 0; k < delta.length; k++) {
          const c = centre[k]!;
          farthest += Math.max(c - low, high - c) ** 2;
          delta[k] = point[k]! - c + (size / length) * direction[k]!;
        }
        const norm = Math.min(
          norms[sample]! *
            (predicted[place] === y[sample] ? 1 + gamma : 1 - gamma),
          Math.sqrt(farthest),
        );
        norms[sample] = norm;
        const scale = norm / (lengthOf(delta) || 1);
        for (let k = 0; k < delta.length; k++) {
          const moved = centre[k]! + scale * delta[k]!;
          point[k] = Math.min(high, Math.max(low, moved));
        }
      });
    }
    const open = target.open();
    if (open.length > 0) await target.predict(takeRows(tries, open), open);
    return target.examples();
  },
});
