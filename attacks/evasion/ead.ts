import { z } from "zod";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { searchConstants } from "./constants.ts";
import { keeperOf } from "./keeper.ts";
import { marginOf } from "./score-losses.ts";
import { rowOf } from "./vectors.ts";

const eadParams = z.strictObject({
  beta: z
    .number()
    .positive()
    .default(1e-3)
    .describe(
      "weight of the L1 distance, and what every step takes from each change",
    ),
  binarySearchSteps: z
    .int()
    .positive()
    .default(9)
    .describe(
      "constants that are tried, each between those that did and did not do",
    ),
  maxIterations: z
    .int()
    .positive()
    .default(1000)
    .describe("the most iterations for one constant"),
  learningRate: z
    .number()
    .positive()
    .default(0.01)
    .describe(
      "first size of a step; it falls with the square root of what is left",
    ),
  initialConst: z
    .number()
    .positive()
    .default(1e-3)
    .describe(
      "the first constant that weighs misclassification against distance",
    ),
  confidence: z
    .number()
    .nonnegative()
    .default(0)
    .describe("how far another logit has to be above that of the own class"),
  decisionRule: z
    .enum(["L1", "EN"])
    .default("L1")
    .describe(
      "which example is the best: that of the least L1 or of the least elastic-net distance",
    ),
  abortEarly: z
    .boolean()
    .default(true)
    .describe(
      "whether a search ends when a tenth of its iterations gained less than a ten-thousandth",
    ),
});

/**
 * Elastic-net attack (Chen et al. 2018, arXiv:1709.04114): iterative
 * shrinkage-thresholding with momentum (FISTA) on c times how far a sample is
 * from being misclassified, plus the squared L2 and beta times the L1 distance,
 * with Carlini and Wagner's search for c. Inputs are scaled to [0, 1] by their
 * bounds.
 *
 * Every sample has a search of its own (`searchConstants`). Confidence and the
 * elastic-net rule matter where the nearest example is looked for; within a finite eps
 * the first example ends the search.
 */
export const ead = defineAttack({
  id: "ead",
  title: "EAD",
  summary:
    "Elastic-net attack: Carlini and Wagner's loss with the L1 distance beside the squared L2, solved by shrinkage, so that few numbers change.",
  caution:
    "Distances are bounds from above, and depend on `beta`, which weighs the two distances. Within a fixed eps the first example ends the search; compare apgd-t and fab in L1.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["l1"],
  reference: "Chen et al. 2018, arXiv:1709.04114",
  taxonomy: whiteBox,
  params: eadParams,
  async run(input) {
    const { target, x, y, ball, params } = input;
    const { beta, maxIterations, confidence, decisionRule } = params;
    const [low, high] = ball.bounds;
    const width = high - low;
    const searches = searchConstants(
      input,
      (sample): Fista => ({
        point: Float32Array.from(rowOf(x, sample)),
        ahead: Float32Array.from(rowOf(x, sample)),
      }),
    );
    const own = keeperOf(x);
    const keeps = ball.nearest && (confidence > 0 || decisionRule === "EN");
    for (;;) {
      const open = searches.open(2);
      if (open.length === 0) return own.over(target.examples());
      const tries = takeRows(x, open);
      open.forEach((sample, place) => {
        rowOf(tries, place).set(searches.of(sample).at.ahead);
      });
      const { loss, gradient } = await target.lossGradient(tries, open, {
        loss: "margin",
      });
      open.forEach((sample, place) => {
        const { at, constant, iteration } = searches.of(sample);
        const lacks = loss[place]! < confidence;
        advance(at, rowOf(gradient, place), {
          pull: lacks ? constant.c * width * width : 0,
          size: params.learningRate * Math.sqrt(1 - iteration / maxIterations),
          momentum: iteration / (iteration + 3),
          centre: rowOf(x, sample),
          threshold: beta * width,
          bounds: ball.bounds,
        });
        rowOf(tries, place).set(at.point);
      });
      const scores = await target.scores(tries, open);
      open.forEach((sample, place) => {
        const search = searches.of(sample);
        const { point } = search.at;
        const centre = rowOf(x, sample);
        const margin = marginOf(rowOf(scores, place), y[sample]!);
        let [l1, square] = [0, 0];
        for (let k = 0; k < point.length; k++) {
          const away = (point[k]! - centre[k]!) / width;
          l1 += Math.abs(away);
          square += away * away;
        }
        const elastic = square + beta * l1;
        if (margin > 0 && margin >= confidence) {
          search.broken = true;
          if (keeps)
            own.offer(sample, point, decisionRule === "L1" ? l1 : elastic);
        }
        const lack = Math.max(0, confidence - margin);
        searches.next(sample, elastic + search.constant.c * lack);
      });
    }
  },
});

/** What FISTA moves. */
interface Fista {
  point: Float32Array;
  /** Where the momentum leads, and the gradient is taken. */
  readonly ahead: Float32Array;
}

/**
 * One step of FISTA: down the smooth part, then every change shrunk by the threshold
 * (equations 4 to 7).
 */
function advance(
  at: Fista,
  slope: Float32Array,
  {
    pull,
    size,
    momentum,
    centre,
    threshold,
    bounds: [low, high],
  }: {
    pull: number;
    size: number;
    momentum: number;
    centre: Float32Array;
    threshold: number;
    bounds: readonly [number, number];
  },
): void {
  const { point: last, ahead } = at;
  const point = new Float32Array(last.length);
  for (let k = 0; k < point.length; k++) {
    const from = centre[k]!;
    const away = ahead[k]! - from;
    const push = pull === 0 ? 0 : pull * slope[k]!;
    const moved = away + size * ((Number.isFinite(push) ? push : 0) - 2 * away);
    const kept = Math.sign(moved) * Math.max(0, Math.abs(moved) - threshold);
    point[k] = Math.min(high, Math.max(low, from + kept));
    ahead[k] = point[k]! + momentum * (point[k]! - last[k]!);
  }
  at.point = point;
}
