import { z } from "zod";
import { AssayError, type Random } from "#core";
import type { FeaturesAt } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { cosine, rowOf } from "../evasion/vectors.ts";
import { imageShape } from "../images.ts";
import { descendFrom } from "./box-descent.ts";
import { type Dissimilarity, dissimilarityTo } from "./dissimilarity.ts";
import {
  cutParam,
  surrogateNeeds,
  surrogateParam,
  throughBase,
} from "./surrogate.ts";

const mimicParams = z.strictObject({
  surrogate: surrogateParam,
  cut: cutParam
    .optional()
    .describe("where features are taken; what the head reads when left out"),
  steps: z.int().positive().default(2000).describe("steps of the descent"),
  targets: z
    .int()
    .positive()
    .default(5)
    .describe(
      "images of other classes that are tried. The one that is come nearest to counts",
    ),
  dssim: z
    .number()
    .positive()
    .default(0.003)
    .describe(
      "the most that an example may be unlike its sample, as (1 - MS-SSIM) / 2, where no norm limits it",
    ),
  penalty: z
    .number()
    .positive()
    .default(1e10)
    .describe("how hard what exceeds dssim counts"),
  learningRate: z
    .number()
    .positive()
    .default(1)
    .describe("learning rate of Adadelta"),
  relStepSize: z
    .number()
    .positive()
    .default(0.1)
    .describe(
      "length of the first step as a share of eps, where a norm limits it",
    ),
});

type Input = AttackInput<z.output<typeof mimicParams>>;

/** A sample on its way to a target. */
interface Pair {
  readonly sample: number;
  /** Row of the targets. */
  readonly target: number;
}

/**
 * Mimicry of a target's features (Wang et al. 2018, "With Great Training Comes Great
 * Vulnerability", USENIX Security): the features of a sample at a cut of the public
 * base are led onto those of an image of another class, so that whatever head a
 * candidate puts behind the cut sees the other image. Untargeted, as in the paper:
 * several targets are tried, and the one whose features are come nearest to is kept.
 *
 * Without a norm it is the authors' attack: Adadelta on a variable whose tanh
 * spans the bounds, the L2 distance of the features plus the penalty times the
 * square of what DSSIM exceeds its budget by; of the steps within the budget the
 * nearest one. The authors' code also rounds to 8 bits, which is left out. Within a
 * norm, which is not in the paper, it is projected descent on the same distance,
 * with steps that shrink along half a cosine.
 */
export const mimic = defineAttack({
  id: "mimic",
  title: "Feature mimicry through the base",
  summary:
    "Leads the features of a sample at a cut of the public base onto those of an image of another class, so that whatever head a candidate has sees the other image.",
  caution:
    "It works as far as the candidate kept the base's features at the cut. Few `targets` or `steps` leave features apart. Without a norm its budget is DSSIM, which does not compare with eps.",
  access: "base",
  needsFor: surrogateNeeds,
  family: "transfer",
  norms: ["none", "linf", "l2"],
  reference: "Wang et al. 2018, USENIX Security",
  taxonomy: throughBase,
  params: mimicParams,
  async run(input) {
    const { target, x, params, ball, random, others } = input;
    const features = await target.base.featuresAt(params.cut);
    if (!others || others.y.length === 0) {
      throw new AssayError(
        "ATTACK_INPUT",
        "mimic needs images of other classes that the attacker has, there are none",
        "Give the suite a validation split.",
      );
    }
    const pairs = random.flatMap((stream, sample) =>
      drawTargets(input, sample, others.y, stream).map(
        (row): Pair => ({ sample, target: row }),
      ),
    );
    const rows = pairs.map((pair) => pair.target);
    const wanted = await features.values(
      takeRows(others.x, rows),
      pairs.map((pair) => pair.sample),
    );
    const tracker = trackNearest(x, pairs);
    const climb = ball.norm === "none" ? byPenalty : byProjection;
    await climb(input, { features, pairs, wanted, tracker });
    return tracker.nearest();
  },
});

/**
 * Rows of images of other classes, drawn without repetition; of any, where all are of
 * one class, as of values and of labels.
 */
function drawTargets(
  { y, params }: Input,
  sample: number,
  classes: Int32Array,
  stream: Random,
): number[] {
  const rows = Array.from(classes.keys());
  const strange = rows.filter((row) => classes[row] !== y[sample]);
  const left = strange.length > 0 ? strange : rows;
  const draws = stream.fork("targets");
  return Array.from(
    { length: Math.min(params.targets, left.length) },
    () => left.splice(draws.below(left.length), 1)[0]!,
  );
}

/**
 * Leads the features of each pair's sample to those wanted of it, and shows the tracker
 * what comes of it.
 */
type Climb = (
  input: Input,
  aims: {
    readonly features: FeaturesAt;
    readonly pairs: readonly Pair[];
    readonly wanted: FloatTensor;
    readonly tracker: ReturnType<typeof trackNearest>;
  },
) => Promise<void>;

/**
 * Keeps the example of each sample whose features came nearest to those of one of its
 * targets; the sample itself where nothing was within the budget.
 */
function trackNearest(x: FloatTensor, pairs: readonly Pair[]) {
  const best = { ...x, data: Float32Array.from(x.data) };
  const least = new Float64Array(x.dims[0] ?? 0).fill(Infinity);
  return {
    see(
      points: FloatTensor,
      squared: Float64Array,
      counts = (_: number) => true,
    ) {
      pairs.forEach(({ sample }, place) => {
        const distance = squared[place]!;
        if (!(distance < least[sample]!) || !counts(place)) return;
        least[sample] = distance;
        rowOf(best, sample).set(rowOf(points, place));
      });
    },
    nearest: () => best,
  };
}

/** The authors' attack, within a budget of DSSIM. */
const byPenalty: Climb = async (
  { x, ball, params, onProgress },
  { features, pairs, wanted, tracker },
) => {
  const { steps, penalty, dssim, learningRate } = params;
  const [low, high] = ball.bounds;
  const shape = imageShape("mimic", x);
  const samples = pairs.map((pair) => pair.sample);
  const centres = takeRows(x, samples);
  const unlike = Array.from({ length: x.dims[0] ?? 0 }, (_, i) =>
    dissimilarityTo(rowOf(x, i), shape, high - low),
  );
  const descent = descendFrom(centres, ball.bounds);
  for (let step = 0; ; step++) {
    onProgress(step / (steps + 1));
    const points = descent.points();
    const { squared, gradient } = await features.distance(
      points,
      samples,
      wanted,
    );
    const apart = pairs.map(({ sample }, place) =>
      (unlike[sample] as (image: Float32Array) => Dissimilarity)(
        rowOf(points, place),
      ),
    );
    tracker.see(points, squared, (place) => (apart[place]?.value ?? 1) < dssim);
    if (step === steps) return;
    pairs.forEach((_, place) => {
      const { value, gradient: slope } = apart[place]!;
      const distance = Math.sqrt(squared[place]!);
      const excess = 2 * penalty * Math.max(value - dssim, 0);
      const toPoint = rowOf(gradient, place);
      descent.move(
        place,
        (i) =>
          excess * slope[i]! +
          (distance > 0 ? toPoint[i]! / (2 * distance) : 0),
        learningRate,
      );
    });
  }
};

/** Projected descent within a norm. */
const byProjection: Climb = async (
  { x, ball, params, onProgress },
  { features, pairs, wanted, tracker },
) => {
  const samples = pairs.map((pair) => pair.sample);
  const centres = takeRows(x, samples);
  let points = centres;
  for (let step = 0; ; step++) {
    onProgress(step / (params.steps + 1));
    const { squared, gradient } = await features.distance(
      points,
      samples,
      wanted,
    );
    tracker.see(points, squared);
    if (step === params.steps) return;
    const share = cosine(params.relStepSize, 0, step / params.steps);
    points = ball.project(
      centres,
      ball.ascend(points, gradient, -share * ball.eps),
    );
  }
};
