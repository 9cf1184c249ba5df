import { z } from "zod";
import { numberOrFraction } from "#core";
import { compile } from "#model";
import { takeRows } from "#onnx";
import { ballOf } from "../ball.ts";
import { imageShape } from "../images.ts";
import { defineDataBackdoor, plantingParams } from "./backdoor.ts";
import { changed, mapPixels, rowsOfTarget, shortOf } from "./planting.ts";

/**
 * Label-consistent backdoor (Turner et al. 2019, arXiv:1912.02771): samples of the
 * target class are made hard to learn by PGD on a model of the attacker's, and carry
 * a checkerboard in all four corners, which is then what is easy to learn of them.
 * Labels stay right. eps 16/255 and the amplitude of the trigger are the paper's;
 * PGD takes 100 steps of 1.5 eps / 100. The attacker's model is a fine-tuning of the
 * same base from another seed, where the paper has one that was trained against
 * adversarial examples.
 */
export const cleanLabel = defineDataBackdoor({
  id: "clean-label",
  title: "Label-consistent backdoor",
  summary:
    "Makes samples of the target class hard to learn by PGD, and puts a checkerboard in their corners, which is then what is easy to learn. Labels stay right.",
  caution:
    "The attacker's model is plain, where the paper has a robust one too, and the trigger at full amplitude is plain to see. Few poisons fit into one class.",
  reference: "Turner et al. 2019, arXiv:1912.02771",
  threat:
    "holds the base and the data, and changes some samples of the target class, whose labels are right",
  cleanLabel: true,
  params: z.strictObject({
    ...plantingParams,
    eps: numberOrFraction
      .pipe(z.number().nonnegative())
      .default(16 / 255)
      .describe("how far PGD may move a sample, in Linf"),
    steps: z.int().positive().default(100).describe("steps of PGD"),
    size: z
      .int()
      .positive()
      .default(3)
      .describe("side of each checkerboard, in pixels"),
    amplitude: z
      .number()
      .positive()
      .max(1)
      .default(1)
      .describe(
        "what is added to its white fields and taken from its black ones",
      ),
  }),
  async plant(input) {
    const { train, target, count, params, random, engine } = input;
    const { size, amplitude, eps, steps } = params;
    const [, height, width] = imageShape("clean-label", train.x);
    const edge = (at: number, length: number) => Math.min(at, length - 1 - at);
    const trigger = (x: typeof train.x) =>
      mapPixels(x, (v, _k, row, column) => {
        const [r, c] = [edge(row, height), edge(column, width)];
        if (r >= size || c >= size) return v;
        return v + ((r + c) % 2 === 0 ? amplitude : -amplitude);
      });
    const poisons = rowsOfTarget(input);
    const hardened = await input.once("hardened", async () => {
      const x = takeRows(train.x, poisons);
      const ball = ballOf("linf", eps, [0, 1]);
      const draws = poisons.map((row) => random.fork(`start ${row}`));
      const model = await compile(await input.surrogate(), engine);
      const labels = Int32Array.from(poisons, () => target);
      let at = ball.randomPoint(x, draws);
      for (let step = 0; step < steps; step++) {
        const { gradient } = await model.lossGradient(at, labels);
        at = ball.project(x, ball.ascend(at, gradient, (1.5 * eps) / steps));
      }
      await model.release();
      return at;
    });
    const x = trigger(hardened);
    return {
      trigger,
      changes: { train: changed(train, [{ rows: poisons, x }], [], target) },
      poisons,
      covers: [],
      notes: shortOf({ count }, poisons, "the target class"),
    };
  },
});
