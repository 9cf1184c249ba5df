import { z } from "zod";
import { copyOf, putRows, takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { blackBox } from "../taxonomies.ts";
import { estimated } from "./estimate.ts";
import { crossEntropyOf } from "./score-losses.ts";
import { rowOf } from "./vectors.ts";

/**
 * Query-limited attack by natural evolution strategies (Ilyas et al. 2018,
 * arXiv:1804.08598): sign steps with momentum along a gradient that is
 * estimated from antithetic normal directions, projected back into the ball.
 * As in the authors' code, the step is halved where the loss did not rise over
 * the last five. Step and radius are shares of the width of the bounds.
 */
export const nes = defineAttack({
  id: "nes",
  title: "NES",
  summary:
    "Sign steps with momentum along a gradient that is estimated from scores in random directions.",
  caution:
    "The more numbers an input has, the more queries an estimate takes; too few leave samples standing. Where scores do not change within `sigma`, as behind rounding, the estimate is noise.",
  access: "score",
  family: "query",
  norms: ["linf", "l2"],
  reference: "Ilyas et al. 2018, arXiv:1804.08598",
  taxonomy: blackBox,
  params: z.strictObject({
    queries: z
      .int()
      .positive()
      .default(10_000)
      .describe("queries of each sample"),
    pairs: z
      .int()
      .positive()
      .default(25)
      .describe("directions a step, each looked along both ways"),
    sigma: z
      .number()
      .positive()
      .default(1e-3)
      .describe(
        "how far directions are looked along, as a share of the width of the bounds",
      ),
    stepSize: z
      .number()
      .positive()
      .default(0.01)
      .describe(
        "size of the first step, as a share of the width of the bounds",
      ),
    minStepSize: z
      .number()
      .positive()
      .default(5e-5)
      .describe("size below which the step is not halved any more"),
    momentum: z
      .number()
      .min(0)
      .lt(1)
      .default(0.9)
      .describe("what is kept of the gradient from step to step"),
    plateau: z
      .int()
      .min(2)
      .default(5)
      .describe("steps without a rise after which the step is halved"),
  }),
  async run({ target, x, y, ball, params, random, onProgress }) {
    const { queries, pairs, momentum, plateau, minStepSize } = params;
    const [low, high] = ball.bounds;
    const width = high - low;
    const streams = random.map((stream) => stream.fork("nes"));
    const tries = copyOf(x);
    const velocity = { ...x, data: new Float32Array(x.data.length) };
    const sizes = y.length ? Array.from(y, () => params.stepSize) : [];
    const recent: number[][] = Array.from(y, () => []);
    // Every step asks about its new point once more.
    const cost = 2 * pairs + 1;
    const steps = Math.max(1, Math.floor(queries / cost));
    for (let step = 0; step < steps; step++) {
      onProgress(step / steps);
      const open = target.open(cost);
      if (open.length === 0) break;
      const here = takeRows(tries, open);
      const { gradient, loss } = await estimated(
        target,
        here,
        open,
        y,
        streams,
        {
          pairs,
          radius: params.sigma * width,
          draw: (stream) => stream.normal(),
          lossOf: crossEntropyOf,
        },
      );
      const next = { ...here, data: Float32Array.from(here.data) };
      open.forEach((sample, place) => {
        const speed = rowOf(velocity, sample);
        const slope = rowOf(gradient, place);
        for (let i = 0; i < speed.length; i++)
          speed[i] = momentum * speed[i]! + (1 - momentum) * slope[i]!;
        const history = recent[sample]!;
        history.push(loss[place]!);
        if (history.length > plateau) history.shift();
        const risen = (history.at(-1) as number) >= history[0]!;
        if (history.length === plateau && !risen) {
          sizes[sample] = Math.max(sizes[sample]! / 2, minStepSize);
          history.length = 0;
        }
        const row = { ...here, dims: [1, ...here.dims.slice(1)] };
        const at = { ...row, data: rowOf(here, place) };
        const size = width * sizes[sample]!;
        rowOf(next, place).set(
          ball.ascend(at, { ...row, data: speed }, size).data,
        );
      });
      const still = new Set(target.open());
      const left = open.filter((sample) => still.has(sample));
      const places = left.map((sample) => open.indexOf(sample));
      const moved = ball.project(takeRows(x, left), takeRows(next, places));
      putRows(tries, left, moved);
      if (left.length > 0) await target.predict(moved, left);
    }
    return target.examples();
  },
});
