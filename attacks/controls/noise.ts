import { z } from "zod";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { repaired } from "../evasion/constrained.ts";
import { byChance } from "../taxonomies.ts";

/**
 * Uniform noise in the ball: not an attack but the control that every attack
 * must beat (Carlini et al. 2019, arXiv:1902.06705, section 4.5). The best of
 * several draws counts. Rows of a table are repaired after they are drawn.
 */
export const noise = defineAttack({
  id: "noise",
  title: "Uniform noise (control)",
  summary:
    "Uniform noise in the ball, the best of some draws: the control that every attack has to beat.",
  caution:
    "Never as a measure of robustness. In many dimensions random directions hardly move a model that falls to the weakest attack.",
  access: "label",
  family: "control",
  norms: ["linf", "l2", "l1", "l0"],
  reference: "Carlini et al. 2019, arXiv:1902.06705",
  taxonomy: byChance,
  params: z.strictObject({
    draws: z
      .int()
      .positive()
      .default(10)
      .describe("draws, of which the best counts"),
  }),
  async run({ target, x, ball, params, random, onProgress }) {
    for (let draw = 0; draw < params.draws; draw++) {
      onProgress(draw / params.draws);
      const open = target.open();
      if (open.length === 0) break;
      const streams = open.map((i) => random[i]!);
      const centres = takeRows(x, open);
      const drawn = ball.randomPoint(centres, streams);
      await target.predict(repaired(ball, centres, drawn), open);
    }
    return target.examples();
  },
});
