import { z } from "zod";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { blackBox } from "../taxonomies.ts";
import { type Adam, adamFrom, adamStep } from "./adam.ts";
import { estimated } from "./estimate.ts";
import { marginOf } from "./score-losses.ts";
import { rowOf } from "./vectors.ts";

/**
 * SPSA (Uesato et al. 2018, arXiv:1802.05666): Adam on the perturbation along a
 * gradient of the margin that is estimated from directions of signs, projected
 * back into the ball. Step and radius are shares of the width of the bounds.
 */
export const spsa = defineAttack({
  id: "spsa",
  title: "SPSA",
  summary:
    "Adam along a gradient of the margin that is estimated from scores in random directions of signs, projected into the ball. It was made against masked gradients.",
  caution:
    "Every step asks twice for each pair, and too few steps or pairs leave samples standing. Where scores are flat within `delta` there is nothing to estimate; hopskipjump sees labels alone.",
  access: "score",
  family: "query",
  norms: ["linf"],
  reference: "Uesato et al. 2018, arXiv:1802.05666",
  taxonomy: blackBox,
  params: z.strictObject({
    steps: z.int().positive().default(100).describe("steps of Adam"),
    pairs: z
      .int()
      .positive()
      .default(64)
      .describe("directions a step, each looked along both ways"),
    delta: z
      .number()
      .positive()
      .default(0.01)
      .describe(
        "how far directions are looked along, as a share of the width of the bounds",
      ),
    learningRate: z
      .number()
      .positive()
      .default(0.01)
      .describe("learning rate of Adam, as a share of the width of the bounds"),
  }),
  async run({ target, x, y, ball, params, random, onProgress }) {
    const { steps, pairs, delta, learningRate } = params;
    const [low, high] = ball.bounds;
    const width = high - low;
    const streams = random.map((stream) => stream.fork("spsa"));
    const adams: Adam[] = Array.from(y, (_, i) =>
      adamFrom(new Float32Array(rowOf(x, i).length)),
    );
    const pointsOf = (samples: readonly number[]) => {
      const rows = takeRows(x, samples);
      samples.forEach((sample, place) => {
        const { value } = adams[sample]!;
        const row = rowOf(rows, place);
        for (let i = 0; i < row.length; i++) row[i] = row[i]! + value[i]!;
      });
      return rows;
    };
    for (let step = 0; step < steps; step++) {
      onProgress(step / steps);
      const open = target.open(2 * pairs + 1);
      if (open.length === 0) break;
      const { gradient } = await estimated(
        target,
        pointsOf(open),
        open,
        y,
        streams,
        {
          pairs,
          radius: delta * width,
          draw: (stream) => (stream.uniform() < 0.5 ? -1 : 1),
          lossOf: marginOf,
        },
      );
      const still = new Set(target.open());
      const left = open.filter((sample) => still.has(sample));
      left.forEach((sample) => {
        const slope = rowOf(gradient, open.indexOf(sample));
        adams[sample] = adamStep(
          adams[sample]!,
          slope.map((v) => -v),
          learningRate * width,
        );
      });
      const centres = takeRows(x, left);
      const moved = ball.project(centres, pointsOf(left));
      left.forEach((sample, place) => {
        const { value } = adams[sample]!;
        const [to, from] = [rowOf(moved, place), rowOf(centres, place)];
        for (let i = 0; i < value.length; i++) value[i] = to[i]! - from[i]!;
      });
      if (left.length > 0) await target.predict(moved, left);
    }
    return target.examples();
  },
});
