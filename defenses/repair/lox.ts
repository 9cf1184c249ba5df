import { z } from "zod";
import { defineMend } from "./repair.ts";
import {
  difference,
  type Matrix,
  movedMatrices,
  ofFirst,
  scaled,
  withAdded,
} from "./update.ts";

/**
 * Low-rank extrapolation (LoX, Perin et al. 2025, arXiv:2506.15606): before a released
 * model is passed on, alpha times the first singular directions of what its alignment
 * changed is added once more: W + alpha U U' (W - W_base). It trains nothing. The paper
 * takes rank 6 and alpha 1.25.
 */
export const lox = defineMend({
  id: "lox",
  title: "Low-rank extrapolation (LoX)",
  summary:
    "Goes further along the first singular directions of what alignment changed, so that there is more to undo.",
  caution:
    "In small models it costs allowed answers. It delays further training, and a way back to the base is only a little longer.",
  reference: "Perin et al. 2025, arXiv:2506.15606",
  needs: ["base"],
  params: z.strictObject({
    rank: z.int().positive().default(6).describe("singular directions"),
    alpha: z
      .number()
      .positive()
      .default(1.25)
      .describe("how much of them is added"),
  }),
  async mend({ model, base, params: { rank, alpha }, random }) {
    const from = base ?? model;
    const added = new Map<string, Matrix>();
    for (const name of movedMatrices(model, from)) {
      const aligned = difference(model, from, name);
      const first = ofFirst(aligned, rank, random.fork(name))(aligned);
      added.set(name, scaled(first, alpha));
    }
    return withAdded(model, added);
  },
});
