import { z } from "zod";
import type { Random } from "#core";
import { copyOf, putRows, takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { blackBox } from "../taxonomies.ts";
import { cosineWave, lowWaves } from "./cosines.ts";
import { crossEntropyOf } from "./score-losses.ts";
import { rowOf } from "./vectors.ts";

/**
 * SimBA (Guo et al. 2019, arXiv:1905.07121): one random direction of an orthonormal
 * basis after the other, none twice, first one way and then the other. A step is kept
 * when the probability of the true class falls. The basis are the numbers themselves,
 * or low cosine waves of images.
 *
 * A step that leaves the ball is projected back, which the paper, without a
 * budget but its steps, does not need. The step is a share of the width of
 * the bounds.
 */
export const simba = defineAttack({
  id: "simba",
  title: "SimBA",
  summary:
    "Tries one direction of a basis after the other, both ways, and keeps a step when the probability of the true class falls.",
  caution:
    "Steps have one size, so a budget much smaller than `stepSize` cuts most of each. A probability of 1 in single precision shows no change, so a very sure model looks robust.",
  access: "score",
  family: "query",
  norms: ["l2", "linf"],
  reference: "Guo et al. 2019, arXiv:1905.07121",
  taxonomy: blackBox,
  params: z.strictObject({
    steps: z
      .int()
      .positive()
      .default(10_000)
      .describe("directions that are tried. Each costs one query or two"),
    stepSize: z
      .number()
      .positive()
      .default(0.2)
      .describe("length of a step, as a share of the width of the bounds"),
    basis: z
      .enum(["pixel", "dct"])
      .default("pixel")
      .describe(
        "directions: the numbers themselves, or low cosine waves of images",
      ),
    frequencies: z
      .number()
      .positive()
      .max(1)
      .default(0.125)
      .describe("share of the cosine waves, the lowest along each side"),
  }),
  async run({ target, x, y, ball, params, random, onProgress }) {
    const [low, high] = ball.bounds;
    const size = params.stepSize * (high - low);
    const shape = x.dims.slice(1);
    const waves =
      params.basis === "dct" && shape.length === 3
        ? lowWaves(shape, params.frequencies)
        : undefined;
    const count = waves?.length ?? shape.reduce((p, d) => p * d, 1);
    const orders = random.map((stream) =>
      (stream as Random).fork("simba").permutation(count),
    );
    const best = copyOf(x);
    const highest = new Float64Array(y.length).fill(Number.NEGATIVE_INFINITY);
    const ask = async (
      samples: readonly number[],
      step: number,
      way: number,
    ) => {
      const centres = takeRows(x, samples);
      const tries = takeRows(best, samples);
      samples.forEach((sample, place) => {
        const row = rowOf(tries, place);
        const direction = (orders[sample] as ArrayLike<number>)[step]!;
        if (way === 0) return;
        if (!waves) row[direction] = row[direction]! + way * size;
        else {
          const wave = cosineWave(shape, waves[direction]!);
          for (let i = 0; i < row.length; i++)
            row[i] = row[i]! + way * size * wave[i]!;
        }
      });
      const points = ball.project(centres, tries);
      const scores = await target.scores(points, samples);
      const kept = samples.flatMap((sample, place) => {
        // The lower the probability of the true class, the higher this.
        const loss = crossEntropyOf(rowOf(scores, place), y[sample]!);
        if (loss <= highest[sample]!) return [];
        highest[sample] = loss;
        return [place];
      });
      putRows(
        best,
        kept.map((place) => samples[place]!),
        takeRows(points, kept),
      );
      const done = new Set(kept.map((place) => samples[place]!));
      return samples.filter((sample) => !done.has(sample));
    };
    const first = target.open();
    if (first.length > 0) await ask(first, 0, 0);
    const steps = Math.min(params.steps, count);
    for (let step = 0; step < steps; step++) {
      if (step % 16 === 0) onProgress(step / steps);
      const open = target.open();
      if (open.length === 0) break;
      const refused = new Set(await ask(open, step, -1));
      const again = target.open().filter((sample) => refused.has(sample));
      if (again.length > 0) await ask(again, step, 1);
    }
    return target.examples();
  },
});
