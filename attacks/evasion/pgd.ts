import { z } from "zod";
import { copyOf, putRows, reused, takeRows } from "#onnx";
import {
  type AttackInput,
  aimsOf,
  defineAttack,
  targetedParam,
} from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { meanGradient } from "./expectation.ts";

/**
 * The parameters of projected gradient descent. The defaults are those of
 * the paper on MNIST.
 */
export const pgdParams = z.strictObject({
  steps: z.int().positive().default(40).describe("steps of each restart"),
  restarts: z
    .int()
    .positive()
    .default(1)
    .describe("starts, each from another random point"),
  relStepSize: z
    .number()
    .positive()
    .default(0.01 / 0.3)
    .describe("step size as a share of eps"),
  randomStart: z
    .boolean()
    .default(true)
    .describe(
      "whether it starts at a random point of the ball, rather than at the sample",
    ),
  eot: z
    .int()
    .positive()
    .default(1)
    .describe(
      "calls that each gradient is averaged over, for models that draw at random",
    ),
  targeted: targetedParam,
});

/**
 * Projected gradient descent (Madry et al. 2018, arXiv:1706.06083): ascent on
 * the cross-entropy by steps along the gradient's sign (Linf), direction (L2) or
 * largest numbers (L1, as in Tramèr and Boneh 2019, arXiv:1904.13000),
 * projected back into the ball, from random starts. A sample leaves as soon as
 * it is misclassified.
 */
export const pgd = defineAttack({
  id: "pgd",
  title: "PGD",
  summary:
    "Ascent on the cross-entropy by projected steps from random starts: the attack of adversarial training, and of most papers.",
  caution:
    "The paper's steps together reach 1.33 eps, so a start on the far side of the ball never arrives; take relStepSize 0.1. Saturated logits and masked gradients deceive it, so run apgd-t or autoattack, and square, beside it.",
  access: "gradient",
  family: "iterative",
  norms: ["linf", "l2", "l1"],
  reference: "Madry et al. 2018, arXiv:1706.06083",
  taxonomy: whiteBox,
  params: pgdParams,
  async run(input) {
    const { params, onProgress } = input;
    const aims = await aimsOf(params.targeted, input);
    for (let restart = 0; restart < params.restarts; restart++)
      await climb(input, aims, (share) =>
        onProgress((restart + share) / params.restarts),
      );
    return input.target.examples();
  },
});

/** One restart. */
async function climb(
  { target, x, ball, params, random }: AttackInput<z.output<typeof pgdParams>>,
  aims: Int32Array | null,
  onProgress: (share: number) => void,
): Promise<void> {
  const tries = params.randomStart ? ball.randomPoint(x, random) : copyOf(x);
  const size = ball.eps * params.relStepSize * (aims ? -1 : 1);
  const [lent, centres] = [reused(), reused()];
  for (let step = 0; step < params.steps; step++) {
    onProgress(step / params.steps);
    const open = target.open(params.eot);
    if (open.length === 0) return;
    const here = takeRows(tries, open, lent);
    const labels = aims ? open.map((i) => aims[i]!) : undefined;
    const gradient = await meanGradient(target, here, open, params.eot, {
      labels,
    });
    const next = ball.ascend(here, gradient, size, lent);
    putRows(tries, open, ball.project(takeRows(x, open, centres), next, lent));
  }
  // The gradient pass judges the point that it starts from. The last one is left.
  const open = target.open();
  if (open.length > 0) await target.predict(takeRows(tries, open), open);
}
