import { classColour } from "#core";
import type { Example } from "../results/index.ts";

/** What does not count: lighter than every colour of a class. */
const NOTHING = [224, 224, 224];

/**
 * The class of each pixel in its colour.
 *
 * @param classes of the pixels, row by row; below 0 where none counts
 */
export function maskPicture(
  classes: Float32Array,
  [height = 1, width = 1]: readonly number[],
): Example["original"] {
  const pixels = new Uint8Array(3 * classes.length);
  classes.forEach((k, p) => {
    pixels.set(k < 0 ? NOTHING : classColour(k), 3 * p);
  });
  return {
    width,
    height,
    channels: 3,
    pixels: Buffer.from(pixels).toString("base64"),
  };
}
