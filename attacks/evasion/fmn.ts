import { z } from "zod";
import { argmaxRows } from "#model";
import { copyOf, sizeOf, takeRows } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { clamped } from "../norms/branchless.ts";
import { type Norm, norms } from "../norms/index.ts";
import { whiteBox } from "../taxonomies.ts";
import { cosine, lengthOf, rowOf } from "./vectors.ts";

const fmnParams = z.strictObject({
  steps: z.int().positive().default(100).describe("steps of the search"),
  maxStepSize: z
    .number()
    .positive()
    .default(1)
    .describe(
      "first size of a step, in the unit of the bounds' width; it falls along half a cosine",
    ),
  minStepSize: z
    .number()
    .positive()
    .default(0.01)
    .describe("last size of a step"),
  gamma: z
    .number()
    .positive()
    .lt(1)
    .default(0.05)
    .describe(
      "first factor by which the norm changes; it falls to 0.001 along half a cosine",
    ),
});

/**
 * The last factor by which the norm changes. The ball that ends on the
 * linearised boundary is larger by as much, since it holds no example where
 * the model is linear.
 */
const LEAST_GAMMA = 0.001;

/** Which norm measures a gradient where distances are measured by this one. */
const dual: Partial<Record<Norm, (gradient: Float64Array) => number>> = {
  l1: norms.linf.length,
  l2: norms.l2.length,
  linf: norms.l1.length,
};

/**
 * Fast minimum-norm (Pintor et al. 2021, arXiv:2102.12827): steps along the
 * gradient of the margin, projected onto a ball that is as large as the
 * linearised distance to the boundary until a first example is found, and then
 * shrinks where the sample is misclassified and grows where it is not. Bounds cut
 * what was projected, as in the paper; in L0 the numbers that count are those that can
 * move. There the ball starts at one number and changes by at least one.
 *
 * Two differences from the paper. Before the first example the ball grows from
 * where the last step ended before the bounds cut it, not after: else it comes to
 * rest inside the boundary where bounds take much of each step. And as in
 * foolbox no ball is larger than the farthest corner. (Foolbox does not project
 * L2 at all; this does.)
 */
export const fmn = defineAttack({
  id: "fmn",
  title: "FMN",
  summary:
    "Looks for the nearest example in L2, Linf, L1 or L0, along the gradient of the margin, on a ball that shrinks where the sample is misclassified and grows where it is not.",
  caution:
    "Distances are bounds from above: one start, and steps that end before they converge, leave them too large. Compare fab, which has restarts.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["l2", "linf", "l1", "l0"],
  reference: "Pintor et al. 2021, arXiv:2102.12827",
  taxonomy: whiteBox,
  params: fmnParams,
  async run({ target, x, y, ball, params, onProgress }) {
    const { steps, maxStepSize, minStepSize, gamma: first } = params;
    const [low, high] = ball.bounds;
    const tries = copyOf(x);
    const radii = Array.from(y.keys(), (i) => startOf(rowOf(x, i), ball));
    const move = moverOf(ball, sizeOf(x.dims.slice(1)));
    for (let step = 0; step < steps; step++) {
      onProgress(step / steps);
      const open = target.open();
      if (open.length === 0) return target.examples();
      const { loss, gradient, logits } = await target.lossGradient(
        takeRows(tries, open),
        open,
        { loss: "margin" },
      );
      const predicted = argmaxRows(logits);
      const share = step / steps;
      const size = (high - low) * cosine(maxStepSize, minStepSize, share);
      const gamma = cosine(first, LEAST_GAMMA, share);
      open.forEach((sample, place) => {
        const slope = rowOf(gradient, place);
        move(rowOf(tries, sample), rowOf(x, sample), radii[sample]!, {
          broken: predicted[place] !== y[sample],
          margin: loss[place]!,
          slope,
          scale: size / (lengthOf(slope) || Infinity),
          gamma,
        });
      });
    }
    const open = target.open();
    if (open.length > 0) await target.predict(takeRows(tries, open), open);
    return target.examples();
  },
});

/** The size of a sample's ball. */
interface Radius {
  eps: number;
  /** How far the last step went into it, before the bounds cut it. */
  reached: number;
  /** The distance of the nearest example so far, Infinity before the first. */
  best: number;
  /** That of the farthest corner of the bounds. */
  readonly most: number;
}

function startOf(
  centre: Float32Array,
  { norm, bounds: [low, high] }: AttackInput<unknown>["ball"],
): Radius {
  const corner = Float64Array.from(centre, (v) => Math.max(v - low, high - v));
  return {
    eps: norm === "l0" ? 1 : Number.POSITIVE_INFINITY,
    reached: 0,
    best: Number.POSITIVE_INFINITY,
    most: norms[norm].length(corner),
  };
}

/** What was learned at a sample's last point, and how far its next step goes. */
interface Look {
  readonly broken: boolean;
  readonly margin: number;
  readonly slope: Float32Array;
  /** Times the slope it is the step. */
  readonly scale: number;
  readonly gamma: number;
}

/**
 * Moves a point by its step into its ball, whose size it changes first, by loops over
 * arrays that serve all samples.
 */
function moverOf(
  { norm, bounds }: AttackInput<unknown>["ball"],
  width: number,
): (
  point: Float32Array,
  centre: Float32Array,
  radius: Radius,
  look: Look,
) => void {
  const [low, high] = bounds;
  const { length, shrink } = norms[norm];
  const measure = dual[norm];
  const slopes = new Float64Array(width);
  const slopeOf =
    measure &&
    ((slope: Float32Array) => {
      slopes.set(slope);
      return measure(slopes);
    });
  const delta = new Float64Array(width);
  return (point, centre, radius, look) => {
    const { slope, scale } = look;
    for (let k = 0; k < width; k++) delta[k] = point[k]! - centre[k]!;
    resize(radius, look, length(delta), slopeOf);
    for (let k = 0; k < width; k++) delta[k]! += scale * slope[k]!;
    shrink(delta, radius.eps, norm === "l0" ? { centre, bounds } : undefined);
    radius.reached = length(delta);
    for (let k = 0; k < width; k++)
      point[k] = clamped(centre[k]! + delta[k]!, low, high);
  };
}

/**
 * Changes the size of a sample's ball by what was learned at its last point.
 *
 * @param length how far that point was from the sample
 * @param slopeOf measures a gradient; left out for L0
 */
function resize(
  radius: Radius,
  { broken, margin, slope, gamma }: Look,
  length: number,
  slopeOf: ((slope: Float32Array) => number) | undefined,
): void {
  const { eps } = radius;
  if (broken) radius.best = Math.min(radius.best, length);
  if (broken) {
    const less = slopeOf
      ? eps * (1 - gamma)
      : Math.min(eps - 1, Math.floor(eps * (1 - gamma)));
    radius.eps = Math.min(less, radius.best);
  } else if (!slopeOf) {
    radius.eps = Math.max(eps + 1, Math.floor(eps * (1 + gamma)));
  } else if (radius.best < Infinity) {
    radius.eps = eps * (1 + gamma);
  } else {
    const steepness = slopeOf(slope);
    // Without a slope the boundary is nowhere, and the bounds alone hold.
    const beyond = steepness > 0 ? Math.abs(margin) / steepness : Infinity;
    radius.eps = (radius.reached + beyond) * (1 + LEAST_GAMMA);
  }
  radius.eps = Math.min(radius.eps, radius.most);
  if (!slopeOf) radius.eps = Math.max(1, radius.eps);
}
