import { z } from "zod";
import { int } from "#onnx";
import {
  type DetectorParts,
  defineDetector,
  detectorParams,
} from "../detector.ts";
import { bitDepth } from "../sanitizers/bit-depth.ts";
import { median } from "../sanitizers/median.ts";
import { nonLocalMeans } from "../sanitizers/non-local-means.ts";

/**
 * Feature squeezing (Xu et al. 2018, arXiv:1704.01155): how far the model's
 * probabilities move when the input is squeezed, as the largest L1 distance over
 * the squeezers: the paper's best joint ones, which are 1 bit and a 2x2 median
 * for grey images, and 5 bits, the same median and non-local means 13-3-2 for
 * colour.
 */
export const featureSqueezing = defineDetector({
  id: "feature-squeezing",
  title: "Feature squeezing",
  summary:
    "Rejects inputs whose probabilities move much when the input is squeezed by rounding, a median and, in colour, non-local means.",
  caution:
    "Squeezers are passed straight through, so adaptive attacks may be weaker than they could be. One that keeps the probabilities alike under the squeezers passes, as He et al. 2017 (arXiv:1706.04701) have shown.",
  reference: "Xu et al. 2018, arXiv:1704.01155",
  params: z.strictObject({
    ...detectorParams,
    bits: z
      .int()
      .min(1)
      .max(8)
      .optional()
      .describe(
        "bits that are left of each value; 1 for one channel and 5 for more when left out",
      ),
    size: z
      .int()
      .min(2)
      .max(7)
      .default(2)
      .describe("width of the median's window"),
  }),
  gradient: "straight-through",
  build(parts, { bits, size }) {
    const { b, logits, model } = parts;
    const [channels = 1] = model.contract.shape;
    const own = softmax(parts, logits);
    const squeezed = [
      parts.sanitised(bitDepth, { bits: bits ?? (channels === 1 ? 1 : 5) }),
      parts.sanitised(median, { size }),
      ...(channels === 1
        ? []
        : [
            parts.sanitised(nonLocalMeans, {
              search: 13,
              patch: 3,
              strength: 2,
            }),
          ]),
    ];
    const moves = squeezed.map((x) => {
      const other = softmax(parts, parts.again(x));
      return b.reduceSum(b.abs(b.sub(own, other)), [1]);
    });
    return moves.reduce((most, move) => b.op("Max", [most, move]));
  },
});

const softmax = ({ b }: DetectorParts, logits: string) =>
  b.op("Softmax", [logits], { axis: int(-1) });
