import { z } from "zod";
import { type FloatTensor, takeRows } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { resized } from "../ball.ts";
import { whiteBox } from "../taxonomies.ts";
import type { AscentInput } from "./apgd-ascent.ts";
import { climb } from "./apgd-climb.ts";
import { momentumPaces } from "./apgd-momentum.ts";
import { tableBall, tableTarget } from "./constrained.ts";
import { scattered } from "./points.ts";

/** What CAPGD can be told. The defaults are those of TabularBench. */
export const capgdParams = z.strictObject({
  steps: z.int().positive().default(10).describe("steps of each restart"),
  restarts: z
    .int()
    .positive()
    .default(2)
    .describe(
      "starts: the first from the row itself, the others from random points",
    ),
  rho: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe(
      "the share of steps that have to raise the loss for their size to stay",
    ),
  epsMargin: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe("share of eps that is left for the repair"),
});

/**
 * Constrained adaptive PGD (Simonetto et al. 2024, arXiv:2406.00775): Auto-PGD
 * on rows of a table. The loss is the cross-entropy less the violation of the
 * constraints, fixed columns do not move, columns that a constraint defines are
 * computed anew after each step, and types are rounded: towards the clean row
 * for whole numbers, to the largest of the group for categories. A row that is
 * misclassified is rounded and asked about at once; the authors' code rounds
 * only the last one. Without a table it is Auto-PGD in a ball smaller by the margin.
 */
export const capgd = defineAttack({
  id: "capgd",
  title: "CAPGD",
  summary:
    "Auto-PGD on rows of a table: the loss counts violated constraints, fixed columns do not move, and types are rounded.",
  caution:
    "Gradients say little of categories and whole numbers, and nothing of a model without a gradient, such as trees; run moeva or caa. Without a table it is Auto-PGD in a ball smaller by `epsMargin`.",
  access: "gradient",
  family: "iterative",
  norms: ["l2", "linf"],
  reference: "Simonetto et al. 2024, arXiv:2406.00775",
  taxonomy: whiteBox,
  params: capgdParams,
  async run(input) {
    await constrainedPgd(input, input.onProgress);
    return input.target.examples();
  },
});

/** The attack; what it finds, the target keeps. */
export async function constrainedPgd(
  {
    target,
    x,
    y,
    params,
    random,
    ball: whole,
  }: AttackInput<z.output<typeof capgdParams>>,
  onProgress: (share: number) => void,
): Promise<void> {
  const { steps, restarts, rho, epsMargin } = params;
  const ball = tableBall(resized(whole, whole.eps * (1 - epsMargin)));
  const input: AscentInput = {
    target: tableTarget(target, x, y, ball),
    x,
    y,
    ball,
    random,
  };
  for (let restart = 0; restart < restarts; restart++) {
    const open = input.target.open();
    if (open.length === 0) return;
    const clean = takeRows(x, open);
    const streams = open.map((i) => random[i]!.fork(`capgd ${restart}`));
    const start: FloatTensor =
      restart === 0 ? clean : ball.randomPoint(clean, streams);
    const ascent = {
      loss: "cross-entropy",
      purpose: "capgd",
      steps,
      rho,
      eot: 1,
      largerEps: false,
      onProgress,
    } as const;
    await climb(input, ascent, scattered(start, open), {
      ball,
      steps,
      paces: momentumPaces(rho),
      last: true,
      onProgress: (share) => onProgress((restart + share) / restarts),
    });
  }
}
