import { z } from "zod";
import { defineAttack } from "../attack.ts";
import { OpenSamples } from "../open-samples.ts";

/**
 * Uniform noise in the ball: not an attack but the control that every attack
 * must beat (Carlini et al. 2019, arXiv:1902.06705, section 4.5). The best of
 * several draws counts.
 */
export const noise = defineAttack({
  id: "noise",
  title: "Uniform noise (control)",
  access: "label",
  family: "control",
  norms: ["linf", "l2"],
  reference: "Carlini et al. 2019, arXiv:1902.06705",
  taxonomy: {
    atlas: ["AML.T0043.003"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.022"],
  },
  params: z.strictObject({ draws: z.int().positive().default(10) }),
  async run({ target, x, y, ball, params, random, onProgress }) {
    const open = new OpenSamples(x, y);
    for (let draw = 0; draw < params.draws && open.count > 0; draw++) {
      onProgress(draw / params.draws);
      const tries = ball.randomPoint(open.rowsOf(x), open.pick(random));
      open.keepPredictions(tries, await target.predict(tries));
    }
    return open.examples();
  },
});
