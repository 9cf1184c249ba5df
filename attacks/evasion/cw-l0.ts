import { z } from "zod";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { type Adam, adamFrom, adamStep } from "./adam.ts";
import { tanhFrom } from "./tanh.ts";
import { rowOf } from "./vectors.ts";

const cwL0Params = z.strictObject({
  maxIterations: z
    .int()
    .positive()
    .default(1000)
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
  largestConst: z
    .number()
    .positive()
    .default(2e6)
    .describe("a sample is done when its constant reaches this"),
  constFactor: z
    .number()
    .gt(1)
    .default(2)
    .describe("what a constant is multiplied by where all iterations failed"),
  confidence: z
    .number()
    .nonnegative()
    .default(0)
    .describe("how far another logit has to be above that of the own class"),
});

/** A smaller change, as a share of the width of the bounds, is none. */
const UNCHANGED = 1e-4;
/** Numbers that matter more than this are fixed one a round. */
const MATTERS = 0.01;
/** A round fixes no more than this times the root of how many numbers are unchanged. */
const PACE = 0.3;

/**
 * Carlini and Wagner's L0 attack (2017, arXiv:1608.04644, section VI.B): their
 * L2 attack again and again, each time over fewer numbers; those whose change
 * times slope is least go back to what they were and stay there, until the rest
 * cannot break the sample any more. Inputs are scaled to [0, 1] by their bounds.
 *
 * How many are fixed a round, constants and warm starts are those of the
 * authors' code; every channel of a pixel is a number of its own.
 */
export const cwL0 = defineAttack({
  id: "cw-l0",
  title: "C&W L0",
  summary:
    "Carlini and Wagner's L2 attack again and again over fewer numbers, until the rest cannot break the sample: few numbers change, as much as they like.",
  caution:
    "What has gone back to its old value never changes again, so the count is a bound from above. Each channel of a pixel counts by itself, so budgets are not those of papers that count pixels.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["l0"],
  reference: "Carlini and Wagner 2017, arXiv:1608.04644",
  taxonomy: whiteBox,
  params: cwL0Params,
  async run({ target, x, y, ball, params, onProgress }) {
    const [low, high] = ball.bounds;
    const width = high - low;
    const searches: Search[] = Array.from(y.keys(), (i) => {
      const centre = rowOf(x, i).map((v) => (v - low) / width);
      return {
        centre,
        free: new Set(centre.keys()),
        c: params.initialConst,
        iteration: 0,
        adam: tanhFrom(centre, [0, 1]),
      };
    });
    for (;;) {
      const open = target.open().filter((i) => {
        const { free, c } = searches[i]!;
        return free.size > 0 && c < params.largestConst;
      });
      const left = open.reduce((sum, i) => {
        const { free, centre } = searches[i]!;
        return sum + free.size / centre.length;
      }, 0);
      onProgress(1 - left / Math.max(1, y.length));
      if (open.length === 0) return target.examples();
      const changes = open.map((i) => changeOf(searches[i]!));
      const tries = takeRows(x, open);
      for (const [place, change] of changes.entries()) {
        const row = rowOf(tries, place);
        for (let k = 0; k < row.length; k++)
          if (change[k] !== 0) {
            const moved = row[k]! + width * change[k]!;
            row[k] = Math.min(high, Math.max(low, moved));
          }
      }
      const { loss, gradient } = await target.lossGradient(tries, open, {
        loss: "margin",
      });
      open.forEach((sample, place) => {
        const search = searches[sample]!;
        const change = changes[place]!;
        const margin = loss[place]!;
        const slope = rowOf(gradient, place);
        // By the variable whose tanh spans the bounds.
        for (let k = 0; k < slope.length; k++) {
          const t = Math.tanh(search.adam.value[k]!);
          const rise = (width * slope[k]! * (1 - t * t)) / 2;
          slope[k] = Number.isFinite(rise) ? rise : 0;
        }
        search.iteration++;
        if (margin > 0 && margin >= params.confidence) {
          fix(search, change, slope);
          search.adam = adamFrom(search.adam.value);
          search.iteration = 0;
          return;
        }
        descend(search, change, slope, params.learningRate);
        if (search.iteration < params.maxIterations) return;
        search.c *= params.constFactor;
        search.iteration = 0;
      });
    }
  },
});

/** One sample's search, in [0, 1]. */
interface Search {
  readonly centre: Float32Array;
  /** The numbers that may change. */
  readonly free: Set<number>;
  c: number;
  iteration: number;
  /** The variable whose tanh spans the bounds. */
  adam: Adam;
}

/**
 * How far each number is from where it was; 0 for those that are fixed, or as
 * good as unchanged.
 */
function changeOf({ centre, free, adam }: Search): Float32Array {
  const change = new Float32Array(centre.length);
  for (const k of free) {
    const point = (Math.tanh(adam.value[k]!) + 1) / 2;
    const away = point - centre[k]!;
    if (Math.abs(away) >= UNCHANGED) change[k] = away;
  }
  return change;
}

/**
 * One step down the squared distance plus c times what is lacking, by the
 * slope of the margin.
 */
function descend(
  search: Search,
  change: Float32Array,
  slope: Float32Array,
  rate: number,
): void {
  const whole = slope.map((rise, k) => {
    if (!search.free.has(k)) return 0;
    const t = Math.tanh(search.adam.value[k]!);
    return change[k]! * (1 - t * t) - search.c * rise;
  });
  search.adam = adamStep(search.adam, whole, rate);
}

/** Takes the numbers that matter least out of the search. */
function fix(
  { free }: Search,
  change: Float32Array,
  slope: Float32Array,
): void {
  const worth = (k: number) => Math.abs(change[k]!) * Math.abs(slope[k]!);
  const same = change.filter((v) => v === 0).length;
  const most = PACE * Math.sqrt(same);
  let count = 0;
  for (const k of [...free].sort((a, b) => worth(a) - worth(b) || a - b)) {
    free.delete(k);
    count++;
    if (worth(k) > MATTERS || count >= most) return;
  }
}
