import { z } from "zod";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { type Adam, adamFrom, adamStep } from "./adam.ts";
import { tanhFrom, turnSlope, writePoint } from "./tanh.ts";
import { rowOf } from "./vectors.ts";

const cwLinfParams = z.strictObject({
  maxIterations: z
    .int()
    .positive()
    .default(1000)
    .describe("the most iterations for one constant"),
  learningRate: z
    .number()
    .positive()
    .default(5e-3)
    .describe("learning rate of Adam"),
  initialConst: z
    .number()
    .positive()
    .default(1e-5)
    .describe(
      "the first constant that weighs misclassification against what sticks out",
    ),
  largestConst: z
    .number()
    .positive()
    .default(20)
    .describe("a sample is given up when its constant reaches this"),
  constFactor: z
    .number()
    .gt(1)
    .default(2)
    .describe("what a constant is multiplied by where all iterations failed"),
  decreaseFactor: z
    .number()
    .positive()
    .lt(1)
    .default(0.9)
    .describe(
      "what the limit of a change is multiplied by where the iterations succeeded",
    ),
  confidence: z
    .number()
    .nonnegative()
    .default(0)
    .describe("how far another logit has to be above that of the own class"),
});

/** No limit below a grey level is tried. */
const FINEST = 1 / 256;
/** A loss below this share of the constant means that all is as it should be. */
const NOTHING = 1e-4;

/**
 * Carlini and Wagner's Linf attack (2017, arXiv:1608.04644, section VI.C): Adam
 * on c times how far a sample is from being misclassified, plus what its changes
 * exceed a limit by. Where both are nothing the limit becomes nine tenths of the
 * largest change, down to a grey level; where they are not, c is doubled. Inputs
 * are scaled to [0, 1] by their bounds.
 *
 * Constants, warm starts and Adam's state across constants are those of
 * the authors' code.
 */
export const cwLinf = defineAttack({
  id: "cw-linf",
  title: "C&W Linf",
  summary:
    "Adam on c times how far the sample is from being misclassified plus what its changes exceed a limit by; the limit shrinks as long as that succeeds.",
  caution:
    "A sample whose constant reaches `largestConst` is given up and counts as robust. The limit ends at a grey level, so distances have no finer grain; within a fixed eps compare apgd-t.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["linf"],
  reference: "Carlini and Wagner 2017, arXiv:1608.04644",
  taxonomy: whiteBox,
  params: cwLinfParams,
  async run({ target, x, y, ball, params, onProgress }) {
    const [low, high] = ball.bounds;
    const width = high - low;
    const searches: Search[] = Array.from(y.keys(), (i) => ({
      tau: 1,
      c: params.initialConst,
      iteration: 0,
      adam: tanhFrom(rowOf(x, i), ball.bounds),
    }));
    const isOn = ({ tau, c }: Search) =>
      tau > FINEST && c < params.largestConst;
    for (;;) {
      const open = target.open().filter((i) => isOn(searches[i]!));
      onProgress(1 - leftOf(searches, open) / Math.max(1, y.length));
      if (open.length === 0) return target.examples();
      const tries = takeRows(x, open);
      open.forEach((sample, place) => {
        const { adam } = searches[sample]!;
        writePoint(adam, ball.bounds, rowOf(tries, place));
      });
      const { loss, gradient } = await target.lossGradient(tries, open, {
        loss: "margin",
      });
      open.forEach((sample, place) => {
        const search = searches[sample]!;
        const lack = Math.max(0, params.confidence - loss[place]!);
        const slope = rowOf(gradient, place);
        const centre = rowOf(x, sample);
        const changes = Float64Array.from(
          rowOf(tries, place),
          (v, k) => (v - centre[k]!) / width,
        );
        const sticksOut = (k: number) =>
          Math.abs(changes[k]!) > search.tau ? Math.sign(changes[k]!) / 2 : 0;
        turnSlope(
          search.adam,
          slope,
          lack > 0 ? search.c * width : 0,
          sticksOut,
        );
        const { excess, largest } = beyond(changes, search.tau);
        search.iteration++;
        if (search.c * lack + excess < NOTHING * search.c) {
          search.tau = params.decreaseFactor * Math.min(search.tau, largest);
          search.iteration = 0;
          search.adam = adamFrom(search.adam.value);
          return;
        }
        search.adam = adamStep(search.adam, slope, params.learningRate);
        if (search.iteration < params.maxIterations) return;
        search.c *= params.constFactor;
        search.iteration = 0;
      });
    }
  },
});

/** One sample's search. Changes are in [0, 1]. */
interface Search {
  /** What no change should exceed. */
  tau: number;
  c: number;
  iteration: number;
  /** The variable whose tanh spans the bounds. */
  adam: Adam;
}

/** What the changes exceed a limit by, and the largest. */
function beyond(changes: Float64Array, tau: number) {
  let [excess, largest] = [0, 0];
  for (const change of changes) {
    const size = Math.abs(change);
    largest = Math.max(largest, size);
    excess += Math.max(0, size - tau);
  }
  return { excess, largest };
}

/** About how much of the work is left: limits go down to a grey level by factors. */
const leftOf = (searches: readonly Search[], open: readonly number[]) =>
  open.reduce((sum, i) => {
    const { tau } = searches[i]!;
    return sum + Math.max(0, 1 - Math.log(tau) / Math.log(FINEST));
  }, 0);
