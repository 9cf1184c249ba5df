import { z } from "zod";
import { argmaxRows } from "#model";
import { copyOf, sizeOf, takeRows } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { type Rivals, rivalsOf } from "./rivals.ts";
import { salientPair } from "./saliency.ts";
import { groupsOf, rowOf } from "./vectors.ts";

/** Rows of one question: many enough for the engine, few enough for memory. */
const ROWS = 256;

const jsmaParams = z.strictObject({
  theta: z
    .number()
    .min(-1)
    .max(1)
    .refine((theta) => theta !== 0)
    .default(1)
    .describe(
      "what a number changes by, as a share of the width of the bounds; below 0 to lower it",
    ),
  targets: z
    .int()
    .positive()
    .default(9)
    .describe("the likeliest other classes, each of which is aimed at"),
});

type Input = AttackInput<z.output<typeof jsmaParams>>;

/**
 * Jacobian-based saliency map attack (Papernot et al. 2016, arXiv:1511.07528):
 * changes two numbers at a time, those that raise the logit of a class most
 * while the others fall.
 *
 * The paper aims at one class; here it is aimed at the likeliest other classes,
 * one after the other from the clean sample, and any wrong class counts. The
 * paper's limit of the distortion, 14.5 % of the numbers, is the eps of the
 * threat model. Each step asks for the slope of every logit.
 */
export const jsma = defineAttack({
  id: "jsma",
  title: "JSMA",
  summary:
    "Changes two numbers at a time, those that raise the logit of a wrong class most while the others fall, until the sample is misclassified.",
  caution:
    "It is greedy and takes nothing back, so the count of numbers is a bound from above. It moves one way only: with theta above 0 no number is ever lowered.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["l0"],
  reference: "Papernot et al. 2016, arXiv:1511.07528",
  taxonomy: whiteBox,
  params: jsmaParams,
  async run(input) {
    const { target, x, ball, params, onProgress, onNote } = input;
    const pairs = Math.floor(Math.min(ball.eps, sizeOf(x.dims.slice(1))) / 2);
    if (pairs === 0) {
      if (ball.eps > 0)
        onNote?.(
          `jsma: it changes numbers in pairs, of which an eps of ${ball.eps} allows none`,
        );
      return target.examples();
    }
    const rivals = await rivalsOf(input, params.targets);
    const ranks = Math.min(params.targets, target.classes - 1);
    for (let rank = 0; rank < ranks; rank++)
      await climb(input, aimsAt(rivals, rank), pairs, (share) =>
        onProgress((rank + share) / ranks),
      );
    return target.examples();
  },
});

const aimsAt = (rivals: Rivals, rank: number) =>
  new Map([...rivals].map(([i, classes]) => [i, classes[rank]!]));

/** From the clean samples towards one class each. */
async function climb(
  { target, x, y, ball, params }: Input,
  aims: ReadonlyMap<number, number>,
  pairs: number,
  onProgress: (share: number) => void,
): Promise<void> {
  const [low, high] = ball.bounds;
  const theta = params.theta * (high - low);
  const tries = copyOf(x);
  const walking = new Set(aims.keys());
  const { classes } = target;
  for (let step = 0; step < pairs; step++) {
    onProgress(step / pairs);
    const open = target.open(classes).filter((i) => walking.has(i));
    if (open.length === 0) return;
    for (const group of groupsOf(open, Math.ceil(ROWS / classes))) {
      const samples = group.flatMap((i) => Array<number>(classes).fill(i));
      const { gradient, logits } = await target.lossGradient(
        takeRows(tries, samples),
        samples,
        { loss: "logit", aims: samples.map((_, k) => k % classes) },
      );
      const predicted = argmaxRows(logits);
      for (const [place, i] of group.entries()) {
        const row = rowOf(tries, i);
        const slopes = Array.from({ length: classes }, (_, k) =>
          rowOf(gradient, place * classes + k),
        );
        const pair =
          predicted[place * classes] === y[i]
            ? chosenPair(row, slopes, aims.get(i) as number, theta, ball.bounds)
            : undefined;
        if (!pair) walking.delete(i);
        for (const k of pair ?? [])
          row[k] = Math.min(high, Math.max(low, row[k]! + theta));
      }
    }
  }
  const open = target.open().filter((i) => walking.has(i));
  if (open.length > 0) await target.predict(takeRows(tries, open), open);
}

/** The pair to move by theta; numbers at their bound stay. */
function chosenPair(
  row: Float32Array,
  slopes: readonly Float32Array[],
  aim: number,
  theta: number,
  [low, high]: readonly [number, number],
): [number, number] | undefined {
  const sign = Math.sign(theta);
  const gains = slopes[aim]!.map((g) => sign * g);
  const others = new Float32Array(row.length);
  slopes.forEach((slope, k) => {
    if (k === aim) return;
    for (let i = 0; i < others.length; i++)
      others[i] = others[i]! + sign * slope[i]!;
  });
  return salientPair(gains, others, (k) =>
    theta > 0 ? row[k]! < high : row[k]! > low,
  );
}
