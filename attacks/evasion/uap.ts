import { z } from "zod";
import { argmaxRows } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { norms } from "../norms/index.ts";
import { whiteBox } from "../taxonomies.ts";
import { nearestBoundary } from "./nearest-boundary.ts";
import { inOrder } from "./order.ts";
import { type Rivals, rivalsOf } from "./rivals.ts";
import { rowOf } from "./vectors.ts";

const uapParams = z.strictObject({
  delta: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe("the share of the samples that may stand when it ends"),
  epochs: z
    .int()
    .positive()
    .default(20)
    .describe(
      "the most passes over the samples. The paper has no limit, ART this one",
    ),
  steps: z
    .int()
    .positive()
    .default(10)
    .describe(
      "steps of each run of DeepFool. One that needs all of them changes nothing",
    ),
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
    .describe(
      "the most likely classes, the own one among them, that DeepFool looks at",
    ),
});

type Input = AttackInput<z.output<typeof uapParams>>;

/**
 * Universal adversarial perturbation (Moosavi-Dezfooli et al. 2017,
 * arXiv:1610.08401, algorithm 1): one perturbation for all samples, to which
 * each that still stands adds, in a random order, the way to its nearest boundary
 * (DeepFool), projected into the ball; again and again until no more than a
 * share of delta stands.
 *
 * It is made on the samples that are scored. Sums are clipped into the
 * bounds, and the perturbation that broke most is kept, not the last; both are
 * left open in the paper. A sample counts as broken by the one perturbation
 * alone, whatever broke it on the way.
 */
export const uap = defineAttack({
  id: "uap",
  title: "Universal perturbation",
  summary:
    "One perturbation for all samples, put together of the ways to each sample's nearest boundary until most of them are misclassified.",
  caution:
    "A high number is no robustness: attacks on each sample by itself do far more. It is made on the samples that are scored, so it says nothing of others, and depends on which samples these are.",
  access: "gradient",
  family: "universal",
  norms: ["linf", "l2"],
  reference: "Moosavi-Dezfooli et al. 2017, arXiv:1610.08401",
  taxonomy: whiteBox,
  params: uapParams,
  async run(input) {
    const { target, x, y, ball, params, random, onProgress } = input;
    const { epochs, delta, candidates } = params;
    const streams = random.map((stream) => stream.fork("uap"));
    const rivals = await rivalsOf(input, candidates - 1);
    const v = new Float64Array(rowOf(x, 0).length);
    let best = Float64Array.from(v);
    let most = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = inOrder(Array.from(rivals.keys()), streams);
      for (const [turn, sample] of order.entries()) {
        onProgress((epoch + turn / order.length) / epochs);
        const way = await wayOut(input, rivals, sample, v);
        if (!way) continue;
        for (let k = 0; k < v.length; k++) v[k] = v[k]! + way[k]!;
        norms[ball.norm].shrink(v, ball.eps);
      }
      const asked = Array.from(y.keys()).filter((i) => target.affords(i, 1));
      if (asked.length === 0) break;
      const rows = ball.project(takeRows(x, asked), moved(x, asked, v));
      const predicted = await target.predict(rows, asked);
      const broken = asked.filter((i, place) => predicted[place] !== y[i]);
      if (broken.length > most) {
        most = broken.length;
        best = Float64Array.from(v);
      }
      if (broken.length >= (1 - delta) * y.length) break;
    }
    const all = Array.from(y.keys());
    return ball.project(x, moved(x, all, best));
  },
});

/** Samples with the perturbation, wherever that is. */
function moved(
  x: FloatTensor,
  samples: readonly number[],
  v: Float64Array,
): FloatTensor {
  const rows = takeRows(x, samples);
  for (const place of samples.keys()) {
    const row = rowOf(rows, place);
    for (let k = 0; k < row.length; k++) row[k] = row[k]! + v[k]!;
  }
  return rows;
}

/**
 * DeepFool's way from the perturbed sample over its nearest boundary; none where
 * it is misclassified already, cannot afford it, or is not broken by all steps.
 */
async function wayOut(
  { target, x, y, ball, params }: Input,
  rivals: Rivals,
  sample: number,
  v: Float64Array,
): Promise<Float64Array | undefined> {
  const [low, high] = ball.bounds;
  const aims = rivals.get(sample) ?? [];
  const start = ball.project(takeRows(x, [sample]), moved(x, [sample], v));
  const way = new Float64Array(v.length);
  for (let step = 0; step <= params.steps; step++) {
    if (!target.affords(sample, aims.length)) return undefined;
    const samples = aims.map(() => sample);
    const rows = takeRows(
      start,
      aims.map(() => 0),
    );
    for (const place of aims.keys()) {
      const row = rowOf(rows, place);
      for (let k = 0; k < row.length; k++)
        row[k] = Math.min(high, Math.max(low, row[k]! + way[k]!));
    }
    const { loss, gradient, logits } = await target.lossGradient(
      rows,
      samples,
      { loss: "difference", aims },
    );
    if (argmaxRows(logits)[0] !== y[sample]) return step > 0 ? way : undefined;
    const nearest = nearestBoundary(loss, gradient, 0, aims.length);
    if (!nearest) return undefined;
    const size = (1 + params.overshoot) * nearest.scale;
    for (let k = 0; k < way.length; k++)
      way[k] = way[k]! + size * nearest.normal[k]!;
  }
  return undefined;
}
