import { z } from "zod";
import { AssayError } from "#core";
import { int } from "#onnx";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Median smoothing (feature squeezing, Xu et al. 2018, arXiv:1704.01155): each
 * pixel becomes the median of the size x size window around it, the image
 * reflected at its edge. Of an even number of values the upper median is
 * taken, and an even window reaches one further up and left, as in the
 * `scipy.ndimage.median_filter` that the paper uses.
 */
export const median = defineSanitizer({
  id: "median",
  title: "Median smoothing",
  reference: "Xu et al. 2018, arXiv:1704.01155",
  params: z.strictObject({ size: z.int().min(2).max(7).default(2) }),
  // The gradient goes to the pixel that is the median. Attacks through it are
  // far stronger than straight-through ones, which would flatter the defence.
  gradient: "exact",
  build(b, x, { size }, { contract }) {
    const [, height, width] = contract.shape;
    if (
      contract.shape.length !== 3 ||
      height === undefined ||
      width === undefined
    ) {
      throw new AssayError(
        "DEFENSE_INPUT",
        `median smoothing needs images [C, H, W], the model takes [${contract.shape.join(", ")}]`,
        "Leave this defence out for this model.",
      );
    }
    const before = Math.floor(size / 2);
    const after = size - 1 - before;
    const padded = symmetricPad(
      b,
      symmetricPad(b, x, 2, height, before, after),
      3,
      width,
      before,
      after,
    );
    const shifted: string[] = [];
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        shifted.push(
          b.unsqueeze(
            b.slice(padded, [i, j], [i + height, j + width], [2, 3]),
            [4],
          ),
        );
      }
    }
    const rank = Math.floor((size * size) / 2);
    const ascending = b.many(
      "TopK",
      [b.concat(shifted, 4), b.ints([rank + 1])],
      { axis: int(4), largest: int(0) },
      2,
    )[0] as string;
    return b.squeeze(b.slice(ascending, [rank], [rank + 1], [4]), [4]);
  },
});

/** Pads an axis by mirroring it with the edge repeated (d c b a | a b c d | d c b a). */
function symmetricPad(
  b: Parameters<typeof median.build>[0],
  x: string,
  axis: number,
  length: number,
  before: number,
  after: number,
): string {
  const order = Array.from({ length: length + before + after }, (_, i) => {
    const at = i - before;
    const period = 2 * length;
    const folded = ((at % period) + period) % period;
    return folded < length ? folded : period - 1 - folded;
  });
  return b.op("Gather", [x, b.ints(order)], { axis: int(axis) });
}
