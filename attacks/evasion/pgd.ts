import { z } from "zod";
import { type FloatTensor, takeRows } from "#onnx";
import {
  type AttackInput,
  chooseTargets,
  defineAttack,
  targetedParam,
} from "../attack.ts";
import { OpenSamples } from "../open-samples.ts";

/** The parameters of projected gradient descent; the defaults are those of the paper on MNIST. */
export const pgdParams = z.strictObject({
  steps: z.int().positive().default(40),
  restarts: z.int().positive().default(1),
  /** Step size as a share of eps. */
  relStepSize: z
    .number()
    .positive()
    .default(0.01 / 0.3),
  randomStart: z.boolean().default(true),
  targeted: targetedParam,
});

/**
 * Projected gradient descent (Madry et al. 2018, arXiv:1706.06083): ascent on
 * the cross-entropy by steps along the gradient's sign (Linf) or direction
 * (L2), projected back into the ball, from random starts. A sample leaves as
 * soon as it is misclassified.
 */
export const pgd = defineAttack({
  id: "pgd",
  title: "PGD",
  access: "gradient",
  family: "iterative",
  norms: ["linf", "l2"],
  reference: "Madry et al. 2018, arXiv:1706.06083",
  taxonomy: {
    atlas: ["AML.T0043.000", "AML.T0015"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.022"],
  },
  params: pgdParams,
  run: descend,
});

async function descend({
  target,
  x,
  y,
  ball,
  params,
  random,
  onProgress,
}: AttackInput<z.output<typeof pgdParams>>): Promise<FloatTensor> {
  const open = new OpenSamples(x, y);
  const aims =
    params.targeted === "none"
      ? y
      : chooseTargets(params.targeted, await target.scores(x), y, random);
  const size =
    ball.eps * params.relStepSize * (params.targeted === "none" ? 1 : -1);
  for (
    let restart = 0;
    restart < params.restarts && open.count > 0;
    restart++
  ) {
    let centre = open.rowsOf(x);
    let tries = params.randomStart
      ? ball.randomPoint(centre, open.pick(random))
      : centre;
    for (let step = 0; step < params.steps && open.count > 0; step++) {
      onProgress(
        (restart * params.steps + step) / (params.restarts * params.steps),
      );
      const { gradient, logits } = await target.lossGradient(
        tries,
        open.pick(aims),
      );
      const standing = open.keep(tries, logits);
      const all = standing.length === tries.dims[0];
      const slope = all ? gradient : takeRows(gradient, standing);
      if (!all) {
        tries = takeRows(tries, standing);
        centre = takeRows(centre, standing);
      }
      tries = ball.project(centre, ball.ascend(tries, slope, size));
    }
    if (open.count > 0)
      open.keepPredictions(tries, await target.predict(tries));
  }
  return open.examples();
}
