import { z } from "zod";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { type Adam, adamFrom, adamStep } from "./adam.ts";
import { rowOf } from "./vectors.ts";

const cwLinfParams = z.strictObject({
  maxIterations: z.int().positive().default(1000),
  learningRate: z.number().positive().default(5e-3),
  /** The first constant that weighs misclassification against what sticks out. */
  initialConst: z.number().positive().default(1e-5),
  /** A sample is given up when its constant reaches this. */
  largestConst: z.number().positive().default(20),
  /** What a constant is multiplied by where all iterations failed. */
  constFactor: z.number().gt(1).default(2),
  /** What the limit of a change is multiplied by where they did not. */
  decreaseFactor: z.number().positive().lt(1).default(0.9),
  /** How far another logit has to be above that of the own class. */
  confidence: z.number().nonnegative().default(0),
});

/** Keeps numbers on the bounds inside the range of tanh, as in the authors' code. */
const INSIDE = 0.999999;
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
 * Constants, warm starts and Adam's state across constants are those of the authors' code.
 */
export const cwLinf = defineAttack({
  id: "cw-linf",
  title: "C&W Linf",
  access: "gradient",
  family: "minimum-norm",
  norms: ["linf"],
  reference: "Carlini and Wagner 2017, arXiv:1608.04644",
  taxonomy: {
    atlas: ["AML.T0043.000", "AML.T0015"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.022"],
  },
  params: cwLinfParams,
  async run({ target, x, y, ball, params, onProgress }) {
    const [low, high] = ball.bounds;
    const half = (high - low) / 2;
    const searches: Search[] = Array.from(y.keys(), (i) => ({
      tau: 1,
      c: params.initialConst,
      iteration: 0,
      adam: adamFrom(
        rowOf(x, i).map((v) => Math.atanh(((v - low) / half - 1) * INSIDE)),
      ),
    }));
    const isOn = ({ tau, c }: Search) =>
      tau > FINEST && c < params.largestConst;
    for (;;) {
      const open = target.open().filter((i) => isOn(searches[i]!));
      onProgress(1 - leftOf(searches, open) / Math.max(1, y.length));
      if (open.length === 0) return target.examples();
      const tries = takeRows(x, open);
      open.forEach((sample, place) => {
        const { value } = searches[sample]!.adam;
        const point = rowOf(tries, place);
        for (let k = 0; k < point.length; k++)
          point[k] = low + half * (Math.tanh(value[k]!) + 1);
      });
      const { loss, gradient } = await target.lossGradient(tries, open, {
        loss: "margin",
      });
      open.forEach((sample, place) => {
        const search = searches[sample]!;
        const lack = Math.max(0, params.confidence - loss[place]!);
        const slope = rowOf(gradient, place);
        const { excess, largest } = turned(search, slope, {
          point: rowOf(tries, place),
          centre: rowOf(x, sample),
          half,
          pulls: lack > 0,
        });
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

/** One sample's search; changes are in [0, 1]. */
interface Search {
  /** What no change should exceed. */
  tau: number;
  c: number;
  iteration: number;
  /** The variable whose tanh spans the bounds. */
  adam: Adam;
}

/** Turns the gradient of the margin into that of the whole loss by the variable, in its place. */
function turned(
  { adam, c, tau }: Search,
  slope: Float32Array,
  {
    point,
    centre,
    half,
    pulls,
  }: {
    point: Float32Array;
    centre: Float32Array;
    half: number;
    pulls: boolean;
  },
): { excess: number; largest: number } {
  let [excess, largest] = [0, 0];
  for (let k = 0; k < point.length; k++) {
    const away = (point[k]! - centre[k]!) / half / 2;
    const size = Math.abs(away);
    largest = Math.max(largest, size);
    excess += Math.max(0, size - tau);
    const push = pulls ? c * 2 * half * slope[k]! : 0;
    const t = Math.tanh(adam.value[k]!);
    const whole =
      (((size > tau ? Math.sign(away) : 0) - push) / 2) * (1 - t * t);
    slope[k] = Number.isFinite(whole) ? whole : 0;
  }
  return { excess, largest };
}

/** About how much of the work is left: limits go down to a grey level by factors. */
const leftOf = (searches: readonly Search[], open: readonly number[]) =>
  open.reduce((sum, i) => {
    const { tau } = searches[i]!;
    return sum + Math.max(0, 1 - Math.log(tau) / Math.log(FINEST));
  }, 0);
