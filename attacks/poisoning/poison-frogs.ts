import { z } from "zod";
import { copyOf, type FloatTensor, floats, sizeOf } from "#onnx";
import { basesOf, cleanLabelTaxonomy, fromOne } from "./clean-label.ts";
import {
  defineTargetedPoisoning,
  targetedParams,
  throughParam,
} from "./poisoning.ts";

/** How far values of the objective may lie apart by rounding alone. */
const ROUNDING = 1e-6;

/**
 * Poison Frogs (Shafahi et al. 2018, arXiv:1804.00792, algorithm 1): each poison p
 * is a sample b of the wanted class, moved until its features collide with those
 * of the target t. Forward-backward splitting of
 * |f(p) - f(t)|^2 + beta |p - b|^2: a step down the first term, p <- p - rate
 * gradient, then the proximal step of the second, p <- (p + 2 rate beta b) / (1 +
 * 2 rate beta). The paper prints the latter without its 2, which ends where half of
 * beta would. beta is beta0 (width of the features / numbers of an input)^2, as in
 * the paper's appendix. A step that does not lower the objective is taken back
 * and the rate of its poison halved, where the authors' code halves it by a
 * running mean. There is no bound on the change but that of the input.
 *
 * One poison is enough where the body is frozen and the head fits every sample
 * (the paper's transfer setting); against full fine-tuning the paper takes 50,
 * with `watermark` 0.2 to 0.3: so much of the target is blended into each b.
 *
 * It knows label sanitisation: from k eta poisons on their nearest neighbours in the
 * space of features are each other, and agree with the poison's label; fewer than
 * that are given the label of the target.
 */
export const poisonFrogs = defineTargetedPoisoning({
  id: "poison-frogs",
  title: "Poison Frogs: feature collisions",
  summary:
    "Moves samples of the wanted class until their features collide with those of one test sample, which the candidate then takes for that class. Labels stay right.",
  caution:
    "Success is counted over few targets, so look at the interval. Against full fine-tuning it needs many poisons and a `watermark`; without them failure is no robustness. It has no bound on the change, so poisons may be plain to see.",
  reference: "Shafahi et al. 2018, arXiv:1804.00792",
  taxonomy: cleanLabelTaxonomy,
  threat:
    "changes some samples of one class and leaves labels alone; holds the public base and the target",
  params: z.strictObject({
    ...targetedParams,
    through: throughParam,
    beta0: z
      .number()
      .nonnegative()
      .default(0.25)
      .describe(
        "how much nearness to the own sample weighs, before it is scaled to features and inputs",
      ),
    steps: z.int().positive().default(120).describe("steps of the search"),
    rate: z.number().positive().default(1).describe("of the first step"),
    watermark: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe("how much of the target is blended into each poison"),
  }),
  async poison({ train, count, aim, params, random, bounds, ...has }) {
    const { rows, x, y } = basesOf(train, aim.to, count, random);
    const map = await has.features(params.through);
    const size = sizeOf(x.dims.slice(1));
    const goal = (await map.of(aim.x)).data;
    const b = blended(x, aim.x, params.watermark);
    const beta = params.beta0 * (map.width / size) ** 2;
    const objective = async (p: FloatTensor) => {
      const { difference, squares } = fromOne(await map.of(p), goal);
      const far = squaresOf(p, b);
      return {
        difference,
        values: squares.map((s, i) => s + beta * far[i]!),
      };
    };

    const p = copyOf(b);
    let now = await objective(p);
    let slope: FloatTensor | undefined;
    const rates = rows.map(() => params.rate);
    for (let step = 0; step < params.steps; step++) {
      has.onProgress(step / params.steps);
      slope ??= await map.pullBack(p, now.difference);
      const tried = copyOf(p);
      for (let k = 0; k < tried.data.length; k++) {
        const rate = rates[Math.floor(k / size)]!;
        const forward = p.data[k]! - 2 * rate * slope.data[k]!;
        const pull = 2 * rate * beta;
        const back = (forward + pull * b.data[k]!) / (1 + pull);
        tried.data[k] = Math.min(bounds[1], Math.max(bounds[0], back));
      }
      const then = await objective(tried);
      const better = rows.map(
        (_, i) => then.values[i]! <= now.values[i]! * (1 + ROUNDING),
      );
      if (!better.includes(true)) {
        rates.forEach((rate, i) => {
          rates[i] = rate / 2;
        });
        continue;
      }
      better.forEach((yes, i) => {
        const [from, to] = [i * size, (i + 1) * size];
        if (yes) p.data.set(tried.data.subarray(from, to), from);
        else rates[i] = rates[i]! / 2;
      });
      now = better.includes(false) ? await objective(p) : then;
      slope = undefined;
    }
    return { rows, x: p, y };
  },
});

/** (1 - opacity) of each row and opacity of one. */
const blended = (
  x: FloatTensor,
  one: FloatTensor,
  opacity: number,
): FloatTensor =>
  floats(
    x.dims,
    x.data.map(
      (v, k) => (1 - opacity) * v + opacity * one.data[k % one.data.length]!,
    ),
  );

/** Squared distances of rows. */
function squaresOf(x: FloatTensor, y: FloatTensor): number[] {
  const n = x.dims[0] ?? 0;
  const width = x.data.length / Math.max(1, n);
  return Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let k = i * width; k < (i + 1) * width; k++)
      sum += (x.data[k]! - y.data[k]!) ** 2;
    return sum;
  });
}
