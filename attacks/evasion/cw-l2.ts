import { z } from "zod";
import { argmaxRows } from "#model";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { adamStep } from "./adam.ts";
import { searchConstants } from "./constants.ts";
import { keeperOf } from "./keeper.ts";
import { tanhFrom, turnSlope, writePoint } from "./tanh.ts";
import { rowOf } from "./vectors.ts";

const cwParams = z.strictObject({
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
    .default(10_000)
    .describe("the most iterations for one constant"),
  learningRate: z
    .number()
    .positive()
    .default(0.01)
    .describe("learning rate of Adam"),
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
  abortEarly: z
    .boolean()
    .default(true)
    .describe(
      "whether a search ends when a tenth of its iterations gained less than a ten-thousandth",
    ),
});

/**
 * Carlini and Wagner's L2 attack (2017, arXiv:1608.04644): Adam on the squared
 * distance plus c times how far the sample is from being misclassified, over a
 * variable whose tanh spans the bounds, so that these hold by themselves; and a
 * binary search for the smallest c that breaks the sample. Inputs are scaled to
 * [0, 1] by their bounds.
 *
 * Every sample has a search of its own (`searchConstants`). A confidence above 0
 * matters where the nearest example is looked for; within a finite eps the
 * first example ends the search.
 */
export const cwL2 = defineAttack({
  id: "cw-l2",
  title: "C&W L2",
  summary:
    "Adam on the squared distance plus c times how far the sample is from being misclassified, with a search for the smallest c that breaks it: the classic search for the nearest example in L2.",
  caution:
    "Too few iterations or search steps leave distances too large. A confidence above 0 asks for farther examples than need be. Within a finite eps the first example ends the search.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["l2"],
  reference: "Carlini and Wagner 2017, arXiv:1608.04644",
  taxonomy: whiteBox,
  params: cwParams,
  async run(input) {
    const { target, x, y, ball, params } = input;
    const { learningRate, confidence } = params;
    const [low, high] = ball.bounds;
    const width = high - low;
    const searches = searchConstants(input, (sample) => ({
      adam: tanhFrom(rowOf(x, sample), ball.bounds),
    }));
    const confident = keeperOf(x);
    for (;;) {
      const open = searches.open();
      if (open.length === 0) return confident.over(target.examples());
      const tries = takeRows(x, open);
      open.forEach((sample, place) => {
        const { adam } = searches.of(sample).at;
        writePoint(adam, ball.bounds, rowOf(tries, place));
      });
      const { loss, gradient, logits } = await target.lossGradient(
        tries,
        open,
        { loss: "margin" },
      );
      const predicted = argmaxRows(logits);
      open.forEach((sample, place) => {
        const search = searches.of(sample);
        const { constant, at } = search;
        const centre = rowOf(x, sample);
        const point = rowOf(tries, place);
        const slope = rowOf(gradient, place);
        const lack = confidence - loss[place]!;
        const away = (k: number) => (point[k]! - centre[k]!) / width;
        let distance = 0;
        for (let k = 0; k < point.length; k++) distance += away(k) ** 2;
        turnSlope(at.adam, slope, lack > 0 ? constant.c * width : 0, away);
        if (predicted[place] !== y[sample] && lack <= 0) {
          search.broken = true;
          if (confidence > 0 && ball.nearest)
            confident.offer(sample, point, distance);
        }
        at.adam = adamStep(at.adam, slope, learningRate);
        searches.next(sample, distance + constant.c * Math.max(0, lack));
      });
    }
  },
});
