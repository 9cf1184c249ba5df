import { z } from "zod";
import { type GraphBuilder, int } from "#onnx";
import { imageShape } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

const params = z.strictObject({
  flip: z
    .boolean()
    .default(true)
    .describe("whether each version is also mirrored left to right"),
  shift: z
    .int()
    .min(0)
    .max(32)
    .default(1)
    .describe(
      "how many pixels images are moved towards each corner; 0 for not at all",
    ),
});

/**
 * Test-time augmentation: the mean of the logits over an image, four versions
 * of it moved towards the corners, and their mirror images, the set of flips
 * and crops of Pérez et al. 2021 (arXiv:2107.14110). The border is repeated
 * where a move uncovers it. Turn `flip` off where left and right matter.
 */
export const testTimeAugmentation = defineSanitizer({
  id: "test-time-augmentation",
  title: "Test-time augmentation",
  summary:
    "Averages the logits over small moves of the image and their mirror images.",
  caution:
    "It draws nothing, so an attack that knows it goes through the mean of all versions. Where left and right matter `flip` costs accuracy.",
  reference: "Pérez et al. 2021, arXiv:2107.14110",
  needs: ["images", "one answer"],
  params,
  gradient: "exact",
  views: (chosen) => versions(chosen).length,
  build(b, x, chosen, { contract }) {
    const [, height, width] = imageShape("test-time-augmentation", contract);
    return b.concat(
      versions(chosen).map(({ down, right, flip }) => {
        const rows = taken(b, x, 2, moved(height, down));
        const columns = moved(width, right);
        return b.unsqueeze(
          taken(b, rows, 3, flip ? columns.reverse() : columns),
          [1],
        );
      }),
      1,
    );
  },
});

function versions({ flip, shift }: z.output<typeof params>) {
  const corners = [
    [0, 0],
    ...(shift === 0
      ? []
      : [
          [-shift, -shift],
          [-shift, shift],
          [shift, -shift],
          [shift, shift],
        ]),
  ] as [number, number][];
  return (flip ? [false, true] : [false]).flatMap((mirror) =>
    corners.map(([down, right]) => ({ down, right, flip: mirror })),
  );
}

const taken = (
  b: GraphBuilder,
  x: string,
  axis: number,
  order: readonly number[],
) => b.op("Gather", [x, b.ints(order)], { axis: int(axis) });

/** Which place of a line each place shows when it is moved on by `by`. */
const moved = (length: number, by: number) =>
  Array.from({ length }, (_, i) => Math.min(length - 1, Math.max(0, i - by)));
