import { z } from "zod";
import { argmaxRows } from "#model";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { type Adam, adamFrom, adamStep } from "./adam.ts";
import {
  type ConstantSearch,
  isStalled,
  keeperOf,
  nextConstant,
  searchedShare,
  searchFrom,
} from "./constants.ts";
import { rowOf } from "./vectors.ts";

const cwParams = z.strictObject({
  binarySearchSteps: z.int().positive().default(9),
  maxIterations: z.int().positive().default(10_000),
  learningRate: z.number().positive().default(0.01),
  /** The first constant that weighs misclassification against distance. */
  initialConst: z.number().positive().default(1e-3),
  /** How far another logit has to be above that of the own class. */
  confidence: z.number().nonnegative().default(0),
  /** Whether a search ends when a tenth of its iterations gained less than a ten-thousandth. */
  abortEarly: z.boolean().default(true),
});

/** Keeps numbers on the bounds inside the range of tanh, as in the authors' code. */
const INSIDE = 0.999999;

/**
 * Carlini and Wagner's L2 attack (2017, arXiv:1608.04644): Adam on the squared
 * distance plus c times how far the sample is from being misclassified, over a
 * variable whose tanh spans the bounds, so that these hold by themselves; and a
 * binary search for the smallest c that breaks the sample. Inputs are scaled to
 * [0, 1] by their bounds.
 *
 * Every sample has a search of its own: it is given up early by its own loss,
 * not by that of the batch as in the authors' code. A confidence above 0
 * matters where the nearest example is looked for; within a finite eps the
 * first example ends the search.
 */
export const cwL2 = defineAttack({
  id: "cw-l2",
  title: "C&W L2",
  access: "gradient",
  family: "minimum-norm",
  norms: ["l2"],
  reference: "Carlini and Wagner 2017, arXiv:1608.04644",
  taxonomy: {
    atlas: ["AML.T0043.000", "AML.T0015"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.022"],
  },
  params: cwParams,
  async run({ target, x, y, ball, params, onProgress }) {
    const { binarySearchSteps, maxIterations, learningRate, confidence } =
      params;
    const [low, high] = ball.bounds;
    const half = (high - low) / 2;
    const begin = (
      sample: number,
      round: number,
      constant: ConstantSearch,
    ) => ({
      round,
      constant,
      iteration: 0,
      broken: false,
      checked: Number.POSITIVE_INFINITY,
      adam: adamFrom(
        rowOf(x, sample).map((v) =>
          Math.atanh(((v - low) / half - 1) * INSIDE),
        ),
      ),
    });
    const searches: Search[] = Array.from(y.keys(), (i) =>
      begin(i, 0, searchFrom(params.initialConst)),
    );
    const confident = keeperOf(x);
    for (;;) {
      const open = target
        .open()
        .filter((i) => searches[i]!.round < binarySearchSteps);
      onProgress(
        searchedShare(searches, open, binarySearchSteps, maxIterations),
      );
      if (open.length === 0) return confident.over(target.examples());
      const tries = takeRows(x, open);
      open.forEach((sample, place) => {
        const { value } = searches[sample]!.adam;
        const point = rowOf(tries, place);
        for (let k = 0; k < point.length; k++)
          point[k] = low + half * (Math.tanh(value[k]!) + 1);
      });
      const { loss, gradient, logits } = await target.lossGradient(
        tries,
        open,
        { loss: "margin" },
      );
      const predicted = argmaxRows(logits);
      open.forEach((sample, place) => {
        const search = searches[sample]!;
        const { constant, adam } = search;
        const centre = rowOf(x, sample);
        const point = rowOf(tries, place);
        const slope = rowOf(gradient, place);
        const lack = confidence - loss[place]!;
        // From the gradient of the margin to that of the whole loss, in its place.
        let distance = 0;
        for (let k = 0; k < point.length; k++) {
          const away = (point[k]! - centre[k]!) / half / 2;
          distance += away * away;
          const push = lack > 0 ? constant.c * 2 * half * slope[k]! : 0;
          const t = Math.tanh(adam.value[k]!);
          const whole = (away - push / 2) * (1 - t * t);
          slope[k] = Number.isFinite(whole) ? whole : 0;
        }
        if (predicted[place] !== y[sample] && lack <= 0) {
          search.broken = true;
          if (confidence > 0 && ball.nearest)
            confident.offer(sample, point, distance);
        }
        search.iteration++;
        const total = distance + constant.c * Math.max(0, lack);
        if (
          search.iteration === maxIterations ||
          (params.abortEarly && isStalled(search, total, maxIterations))
        ) {
          const next = nextConstant(constant, search.broken);
          searches[sample] = begin(sample, search.round + 1, next);
        } else search.adam = adamStep(adam, slope, learningRate);
      });
    }
  },
});

/** One sample's search. */
interface Search {
  /** How many constants were tried. */
  readonly round: number;
  readonly constant: ConstantSearch;
  /** How many points were asked about with this one. */
  iteration: number;
  /** Whether it broke the sample. */
  broken: boolean;
  /** The loss when it was last looked at. */
  checked: number;
  /** The variable whose tanh spans the bounds. */
  adam: Adam;
}
