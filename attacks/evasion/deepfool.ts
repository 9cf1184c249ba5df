import { z } from "zod";
import { argmaxRows } from "#model";
import { copyOf, type FloatTensor, takeRows } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { whiteBox } from "../taxonomies.ts";
import { nearestBoundary } from "./nearest-boundary.ts";
import { type Rivals, rivalsOf } from "./rivals.ts";
import { groupsOf, rowOf } from "./vectors.ts";

/** Rows of one question: many enough for the engine, few enough for memory. */
const ROWS = 256;

const deepfoolParams = z.strictObject({
  steps: z.int().positive().default(50).describe("the most steps of a sample"),
  overshoot: z
    .number()
    .nonnegative()
    .default(0.02)
    .describe(
      "how much further than the boundary a step goes, as a share of it",
    ),
  candidates: z
    .int()
    .min(2)
    .default(10)
    .describe("the most likely classes, the own one among them"),
});

type Input = AttackInput<z.output<typeof deepfoolParams>>;

/**
 * DeepFool (Moosavi-Dezfooli et al. 2016, arXiv:1511.04599, algorithm 2):
 * every step goes to the nearest of the linearised boundaries to the likeliest
 * other classes, until a sample is misclassified.
 *
 * As in the authors' code, what is asked about is the point with the overshoot,
 * and it is clipped into the bounds, which the paper leaves out.
 */
export const deepfool = defineAttack({
  id: "deepfool",
  title: "DeepFool",
  summary:
    "Goes to the nearest of the linearised boundaries, step by step, until the sample is misclassified: a quick estimate of the L2 distance to the boundary.",
  caution:
    "It stops at the first misclassified point and never comes nearer, so distances are bounds from above; ddn, fmn or cw-l2 look further. Only the likeliest classes (`candidates`) are looked at.",
  access: "gradient",
  family: "minimum-norm",
  norms: ["l2"],
  reference: "Moosavi-Dezfooli et al. 2016, arXiv:1511.04599",
  taxonomy: whiteBox,
  params: deepfoolParams,
  async run(input) {
    const { target, x, params, onProgress } = input;
    const { candidates, steps } = params;
    const count = Math.min(candidates, target.classes) - 1;
    const rivals = await rivalsOf(input, count, false);
    const walk: Walk = {
      rivals,
      tries: copyOf(x),
      moves: { ...x, data: new Float32Array(x.data.length) },
      walking: new Set(rivals.keys()),
    };
    for (let step = 0; step < steps; step++) {
      onProgress(step / steps);
      const open = target.open(count).filter((i) => walk.walking.has(i));
      if (open.length === 0) return target.examples();
      const size = Math.max(1, Math.floor(ROWS / count));
      for (const group of groupsOf(open, size))
        await advance(input, walk, group);
    }
    const open = target.open().filter((i) => walk.walking.has(i));
    if (open.length > 0) await target.predict(takeRows(walk.tries, open), open);
    return target.examples();
  },
});

interface Walk {
  /** Classes of each sample whose boundaries are looked at. */
  readonly rivals: Rivals;
  /** Where each sample is. */
  readonly tries: FloatTensor;
  /** The sum of its steps, without overshoot and bounds. */
  readonly moves: FloatTensor;
  /** Samples that are still on their way. */
  readonly walking: Set<number>;
}

/** One step of some samples. */
async function advance(
  { target, x, y, ball, params }: Input,
  { rivals, tries, moves, walking }: Walk,
  group: readonly number[],
): Promise<void> {
  const samples = group.flatMap((i) => (rivals.get(i) ?? []).map(() => i));
  const { loss, gradient, logits } = await target.lossGradient(
    takeRows(tries, samples),
    samples,
    { loss: "difference", aims: group.flatMap((i) => rivals.get(i) ?? []) },
  );
  const predicted = argmaxRows(logits);
  const [low, high] = ball.bounds;
  const count = samples.length / group.length;
  group.forEach((sample, g) => {
    const nearest =
      predicted[g * count] === y[sample]
        ? nearestBoundary(loss, gradient, g * count, count)
        : undefined;
    if (!nearest) {
      walking.delete(sample);
      return;
    }
    const { normal, scale } = nearest;
    const from = rowOf(x, sample);
    const move = rowOf(moves, sample);
    const point = rowOf(tries, sample);
    for (let k = 0; k < move.length; k++) {
      move[k] = move[k]! + scale * normal[k]!;
      const moved = from[k]! + (1 + params.overshoot) * move[k]!;
      point[k] = Math.min(high, Math.max(low, moved));
    }
  });
}
