import { z } from "zod";
import type { FloatTensor } from "#onnx";
import {
  type Batch,
  defineTrainingDefense,
  type LossGraph,
  type Moment,
  mean,
  squaredLength,
  type TrainingPart,
} from "#tuning";

const AHEAD = "ahead";

/**
 * Input-gradient regularisation (Drucker and Le Cun 1992; Ross and Doshi-Velez 2018,
 * arXiv:1711.09404): the squared length of the gradient of each sample's loss with
 * respect to its input is added, `lambda` times its mean. `exact` differentiates that
 * gradient again. `differences` is the variant of Finlay and Oberman (2019,
 * arXiv:1905.11468): ((loss(x + h d) - loss(x)) / h)^2 along the direction d of the
 * gradient, held fixed. It needs no second derivatives. The papers search for lambda.
 */
export const inputGradient = defineTrainingDefense({
  id: "input-gradient",
  title: "Input-gradient regularisation",
  summary:
    "Adds the squared length of the loss's gradient by the input, so that small changes move the loss little.",
  caution:
    "It shrinks gradients, which makes weak attacks fail: trust only numbers whose trust checks pass, and add other-means. The papers search for lambda; the default fits nobody's data.",
  reference: "Ross and Doshi-Velez 2018, arXiv:1711.09404",
  isAlone: () => true,
  params: z.strictObject({
    lambda: z
      .number()
      .positive()
      .default(0.1)
      .describe("weight of the penalty"),
    method: z
      .enum(["exact", "differences"])
      .default("exact")
      .describe(
        "exact: gradients are differentiated again; differences: they are approximated by a step",
      ),
    h: z
      .number()
      .positive()
      .default(0.01)
      .describe("length of the step of `differences`"),
  }),
  open: ({ lambda, method, h }) =>
    method === "exact" ? exact(lambda) : byDifferences(lambda, h),
});

const exact = (lambda: number): TrainingPart => ({
  loss(g, before) {
    const slope = g.gradient(g.b.reduceSum(g.each()), pointOf(g));
    return penalised(g, before, squaredLength(g.b, g.rows(slope)), lambda);
  },
});

const byDifferences = (lambda: number, h: number): TrainingPart => ({
  views: [AHEAD],
  prepare: async (batch, moment) => ({
    ...batch,
    views: { ...batch.views, [AHEAD]: await ahead(batch, moment, h) },
  }),
  loss(g, before) {
    const { b } = g;
    const rise = b.mul(b.sub(g.each(AHEAD), g.each()), 1 / h);
    return penalised(g, before, b.mul(rise, rise), lambda);
  },
});

const pointOf = ({ model }: LossGraph) => model.embedding ?? model.input;

function penalised(
  g: LossGraph,
  before: string,
  each: string,
  lambda: number,
): string {
  const penalty = mean(g.b, each);
  g.record("squared input gradient", penalty);
  return g.b.add(before, g.b.mul(penalty, lambda));
}

/** x moved by h along the direction of its gradient. */
async function ahead(
  { x, y, targets }: Batch,
  { model }: Moment,
  h: number,
): Promise<FloatTensor> {
  const { gradient } = await model.lossGradient(x, y, { targets });
  const width = x.data.length / y.length;
  const data = Float32Array.from(x.data);
  for (let i = 0; i < y.length; i++) {
    const slope = gradient.data.subarray(i * width, (i + 1) * width);
    let squares = 0;
    for (const v of slope) squares += v * v;
    const size = squares > 0 ? h / Math.sqrt(squares) : 0;
    for (let k = 0; k < width; k++)
      data[i * width + k] = data[i * width + k]! + size * slope[k]!;
  }
  return { ...x, data };
}
