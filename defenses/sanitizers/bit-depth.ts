import { z } from "zod";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Bit-depth reduction (feature squeezing, Xu et al. 2018, arXiv:1704.01155):
 * every value is rounded to one of 2^bits levels between the bounds.
 */
export const bitDepth = defineSanitizer({
  id: "bit-depth",
  title: "Bit-depth reduction",
  summary: "Rounds every value to one of 2^bits levels between the bounds.",
  caution:
    "Rounding has no gradient, so an attack that does not pass straight through it finds nothing and the number is far too high. Against attacks that know it little is left; the check breaks-control uses it as a defence that is known to be broken.",
  reference: "Xu et al. 2018, arXiv:1704.01155",
  params: z.strictObject({
    bits: z
      .int()
      .min(1)
      .max(8)
      .default(4)
      .describe("bits that are left of each value"),
  }),
  gradient: "straight-through",
  build(b, x, { bits }, { contract }) {
    const [low, high] = contract.bounds;
    const steps = (2 ** bits - 1) / (high - low);
    const levels = b.op("Round", [b.mul(low === 0 ? x : b.sub(x, low), steps)]);
    const back = b.mul(levels, 1 / steps);
    return low === 0 ? back : b.add(back, low);
  },
});
