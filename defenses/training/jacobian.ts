import { z } from "zod";
import { outputsOf } from "#model";
import type { FloatTensor } from "#onnx";
import {
  defineTrainingDefense,
  type Moment,
  mean,
  squaredLength,
} from "#tuning";

const DIRECTION = "jacobian direction";

/**
 * Jacobian regularisation (Hoffman et al. 2019, arXiv:1908.02729): adds
 * `lambda` / 2 times the squared Frobenius norm of the Jacobian of the logits
 * with respect to the input, estimated by `projections` random directions v of
 * length 1 for each sample: classes * |d(v z)/dx|^2.
 */
export const jacobian = defineTrainingDefense({
  id: "jacobian",
  title: "Jacobian regularisation",
  summary:
    "Adds the squared size of the logits' Jacobian by the input, estimated along random directions.",
  caution:
    "It shrinks logits and gradients, so attacks that depend on their scale look weak; judge it by apgd-t. One projection is a noisy estimate; lambda wants a search.",
  reference: "Hoffman et al. 2019, arXiv:1908.02729",
  isAlone: () => true,
  params: z.strictObject({
    lambda: z
      .number()
      .positive()
      .default(0.01)
      .describe("weight of the penalty"),
    projections: z
      .int()
      .positive()
      .default(1)
      .describe("random directions of each sample"),
  }),
  open({ lambda, projections }, { model }) {
    const classes = outputsOf(model);
    const names = Array.from(
      { length: projections },
      (_, i) => `${DIRECTION} ${i}`,
    );
    return {
      prepare: (batch, moment) => ({
        ...batch,
        feeds: {
          ...batch.feeds,
          ...Object.fromEntries(
            names.map((n) => [n, directions(moment, classes)]),
          ),
        },
      }),
      loss(g, before) {
        const point = model.embedding ?? model.input;
        let total: string | undefined;
        for (const name of names) {
          const along = g.b.mul(g.rows(model.logits), g.feed(name, [classes]));
          const slope = g.gradient(g.b.reduceSum(along), point);
          const each = mean(g.b, squaredLength(g.b, g.rows(slope)));
          total = total === undefined ? each : g.b.add(total, each);
        }
        const norm = g.b.mul(total as string, classes / projections);
        g.record("squared Jacobian", norm);
        return g.b.add(before, g.b.mul(norm, lambda / 2));
      },
    };
  },
});

/** A random direction of length 1 for each sample: [N, classes]. */
function directions({ random }: Moment, classes: number): FloatTensor {
  const data = new Float32Array(random.length * classes);
  random.forEach((r, i) => {
    const v = Array.from({ length: classes }, () => r.normal());
    const length = Math.hypot(...v);
    data.set(
      v.map((value) => value / length),
      i * classes,
    );
  });
  return { type: "float32", dims: [random.length, classes], data };
}
