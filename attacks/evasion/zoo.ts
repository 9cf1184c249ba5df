import { z } from "zod";
import type { Random } from "#core";
import type { FloatTensor } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { blackBox } from "../taxonomies.ts";
import { type Search, type Searches, searchConstants } from "./constants.ts";
import {
  type CoordinateAdam,
  coordinatesFrom,
  stepCoordinates,
} from "./coordinates.ts";
import { marginOf } from "./score-losses.ts";
import { groupsOf, rowOf } from "./vectors.ts";

/** Rows of one question: many enough for the engine, few enough for memory. */
const ROWS = 512;

const zooParams = z.strictObject({
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
    .default(3000)
    .describe("the most iterations for one constant"),
  learningRate: z
    .number()
    .positive()
    .default(0.01)
    .describe("learning rate of Adam"),
  initialConst: z
    .number()
    .positive()
    .default(0.01)
    .describe(
      "the first constant that weighs misclassification against distance",
    ),
  coordinates: z
    .int()
    .positive()
    .default(128)
    .describe("numbers that a step moves. Each costs two queries"),
  h: z
    .number()
    .positive()
    .default(1e-4)
    .describe("how far a number is moved both ways to see the slope"),
  abortEarly: z
    .boolean()
    .default(true)
    .describe(
      "whether a search ends when a tenth of its iterations gained less than a ten-thousandth",
    ),
});

type Input = AttackInput<z.output<typeof zooParams>>;

/**
 * Zeroth-order optimisation (Chen et al. 2017, arXiv:1708.03999): Carlini and
 * Wagner's L2 loss, whose slope along some random numbers is estimated by
 * symmetric differences of scores, and Adam for each number (ZOO-ADAM). Inputs
 * are scaled to [0, 1] by their bounds.
 *
 * As in the paper for small images: no reduced attack space, no importance
 * sampling, and its 3,000 iterations on MNIST (it takes 1,000 on CIFAR-10). Numbers
 * are clipped into the bounds, as in the authors' code without the tanh variable.
 * The slope of the distance is known, and not estimated. Every sample has a search
 * of its own. Scores are logits: the difference of two is that of their logarithms
 * of probabilities, which the paper takes.
 */
export const zoo = defineAttack({
  id: "zoo",
  title: "ZOO",
  summary:
    "Carlini and Wagner's L2 attack with slopes of single numbers that are estimated from scores.",
  caution:
    "Two queries for each number and step: on large inputs its defaults end long before it converges, and the authors' reduced space and importance sampling are left out. Differences of 1e-4 vanish behind rounding.",
  access: "score",
  family: "query",
  norms: ["l2"],
  reference: "Chen et al. 2017, arXiv:1708.03999",
  taxonomy: blackBox,
  params: zooParams,
  async run(input) {
    const { target, x, ball, params, random } = input;
    const [low, high] = ball.bounds;
    const streams = random.map((stream) => stream.fork("zoo"));
    const count = Math.min(params.coordinates, rowOf(x, 0).length);
    const scaled = (sample: number) =>
      rowOf(x, sample).map((v) => (v - low) / (high - low));
    const searches = searchConstants(input, (sample) =>
      coordinatesFrom(scaled(sample)),
    );
    for (;;) {
      const open = searches.open(2 * count + 1);
      if (open.length === 0) return target.examples();
      const size = Math.max(1, Math.floor(ROWS / (2 * count + 1)));
      for (const group of groupsOf(open, size)) {
        const moves = group.map((i) =>
          someOf(rowOf(x, i).length, count, streams[i]!),
        );
        const margins = await marginsAbout(input, group, searches, moves);
        group.forEach((sample, g) => {
          const loss = advance(
            searches.of(sample),
            scaled(sample),
            moves[g]!,
            margins[g]!,
            params,
          );
          searches.next(sample, loss);
        });
      }
    }
  },
});

/** Different numbers below n, at random. */
function someOf(n: number, count: number, random: Random): number[] {
  if (count === n) return Array.from({ length: n }, (_, k) => k);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(random.below(n));
  return [...chosen];
}

/**
 * The margins of each point, and of the points a little up and down
 * each of its numbers.
 */
async function marginsAbout(
  { target, x, y, ball, params }: Input,
  group: readonly number[],
  searches: Searches<CoordinateAdam>,
  moves: readonly (readonly number[])[],
): Promise<number[][]> {
  const [low, high] = ball.bounds;
  const each = 2 * (moves[0]?.length ?? 0) + 1;
  const width = rowOf(x, 0).length;
  const rows: FloatTensor = {
    type: "float32",
    dims: [group.length * each, ...x.dims.slice(1)],
    data: new Float32Array(group.length * each * width),
  };
  group.forEach((sample, g) => {
    const { value } = searches.of(sample).at;
    const point = value.map((v) =>
      Math.min(high, Math.max(low, low + (high - low) * v)),
    );
    for (let r = 0; r < each; r++) rowOf(rows, g * each + r).set(point);
    moves[g]!.forEach((k, m) => {
      for (const [r, way] of [1, -1].entries()) {
        const row = rowOf(rows, g * each + 1 + 2 * m + r);
        row[k] = point[k]! + way * params.h * (high - low);
      }
    });
  });
  const asked = group.flatMap((i) => Array<number>(each).fill(i));
  const scores = await target.scores(rows, asked);
  const margins = asked.map((i, r) => marginOf(rowOf(scores, r), y[i]!));
  return group.map((_, g) => margins.slice(g * each, (g + 1) * each));
}

/** One step of Adam along these numbers, which are in [0, 1]; the loss before it. */
function advance(
  search: Search<CoordinateAdam>,
  centre: Float32Array,
  places: readonly number[],
  margins: readonly number[],
  { h, learningRate }: z.output<typeof zooParams>,
): number {
  const { at: adam, constant } = search;
  const { value } = adam;
  const [margin = 0] = margins;
  // Above 0 until the sample is misclassified.
  const lackAt = (m: number) => Math.max(0, -margins[m]!);
  let distance = 0;
  for (let k = 0; k < value.length; k++)
    distance += (value[k]! - centre[k]!) ** 2;
  const slopes = places.map((k, m) => {
    const rise = (lackAt(2 * m + 1) - lackAt(2 * m + 2)) / (2 * h);
    const away = value[k]! - centre[k]!;
    return 2 * away + constant.c * (Number.isFinite(rise) ? rise : 0);
  });
  if (margin > 0) search.broken = true;
  stepCoordinates(adam, places, slopes, learningRate);
  for (const k of places) value[k] = Math.min(1, Math.max(0, value[k]!));
  return distance + constant.c * Math.max(0, -margin);
}
