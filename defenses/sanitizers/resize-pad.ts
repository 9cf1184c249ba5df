import { z } from "zod";
import { floats, type GraphBuilder } from "#onnx";
import { imageShape } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Random resizing and padding (Xie et al. 2018, arXiv:1711.01991): each image
 * is resized, by nearest pixels, to a random size and put at a random place of
 * an even frame. The paper enlarges images of 299 pixels to 299 to 330 in frames of
 * 331, which takes a model of any size; here the frame has the size that the
 * model takes, and images are made smaller by the same share.
 */
export const resizePad = defineSanitizer({
  id: "resize-pad",
  title: "Random resizing and padding",
  summary:
    "Resizes each image to a random size and puts it at a random place of an even frame.",
  caution:
    "It draws at random: a gradient of fewer than 20 draws is not trusted, and even then attacks converge slowly. Images are made smaller here, so accuracy is not that of the paper.",
  reference: "Xie et al. 2018, arXiv:1711.01991",
  needs: ["images", "one answer"],
  params: z.strictObject({
    smallest: z
      .number()
      .positive()
      .max(1)
      .default(299 / 331)
      .describe("the smallest size as a share of the frame"),
    fill: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe("what the frame is filled with, as a share of the bounds"),
  }),
  gradient: "exact",
  draws: true,
  build(b, x, { smallest, fill }, { contract }, { draw }) {
    const [, height, width] = imageShape("resize-pad", contract);
    const [low, high] = contract.bounds;
    // Size, then the place along each axis.
    const drawn = draw("uniform", [1, 1, 3]);
    const uniform = (k: number) => b.slice(drawn, [k], [k + 1], [3]);
    const rows = placed(b, height, smallest, uniform(0), uniform(1));
    const columns = placed(b, width, smallest, uniform(0), uniform(2));
    const across = b.transpose(columns, [0, 1, 3, 2]);
    const image = b.matmul(b.matmul(rows, x), across);
    const inside = b.matmul(
      b.reduceSum(rows, [3], true),
      b.reduceSum(across, [2], true),
    );
    const grey = low + fill * (high - low);
    return b.add(image, b.mul(b.sub(1, inside), grey));
  },
});

/**
 * Where each place of a line of the frame is taken from: a matrix [N, 1, length,
 * length] with a 1 in the rows that the image covers.
 *
 * @param size and `place`: uniform in [0, 1), [N, 1, 1, 1]
 */
function placed(
  b: GraphBuilder,
  length: number,
  smallest: number,
  size: string,
  place: string,
): string {
  const least = Math.max(1, Math.floor(smallest * length));
  const floor = (v: string) => b.op("Floor", [v]);
  const resized = b.add(floor(b.mul(size, length - least + 1)), least);
  const offset = floor(b.mul(place, b.sub(length + 1, resized)));
  const line = Array.from({ length }, (_, i) => i);
  const row = b.constant(floats([1, 1, length, 1], line));
  const column = b.constant(floats([1, 1, 1, length], line));
  const from = floor(b.div(b.mul(b.sub(row, offset), length), resized));
  return b.mask(b.equal(from, column), size);
}
