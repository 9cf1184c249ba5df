import { z } from "zod";
import type { Random } from "#core";
import { type FloatTensor, floats, type GraphBuilder, int, rows } from "#onnx";
import { imageShape } from "../images.ts";
import { quilted, TILE, tilesOf, tilingOf } from "../quilt.ts";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * Image quilting (Guo et al. 2018, arXiv:1711.00117, after Efros and Freeman
 * 2001): the image is made anew of patches of clean training images, in tiles
 * of 5x5 that overlap by 2. Each tile is one of the 10 patches nearest to
 * what was there, drawn at random, and neighbours are cut where they differ
 * least; where four meet, both cuts are followed, while the authors' code
 * glues them at one point. The paper has a million patches; of 2,000 the
 * distances of a batch still fit into memory.
 */
export const quilting = defineSanitizer({
  id: "quilting",
  title: "Image quilting",
  summary:
    "Makes the image anew of patches of clean training images, one of the nearest for each tile, drawn at random.",
  caution:
    "The choice of patches has no gradient and is passed straight through, so gradient attacks are weak and numbers too high; look at other-means, and run square and hopskipjump. It draws at random.",
  reference: "Guo et al. 2018, arXiv:1711.00117",
  needs: ["images"],
  params: z.strictObject({
    patches: z
      .int()
      .positive()
      .default(2000)
      .describe("patches of training images that are kept"),
    nearest: z
      .int()
      .positive()
      .default(10)
      .describe(
        "how many of the nearest patches one is drawn from; at most all of them",
      ),
  }),
  gradient: "straight-through",
  draws: true,
  async fit({ model, train, random }, { patches }) {
    const shape = imageShape("quilting", model.contract);
    return new Map([["patches", cutOut(train.x, shape, patches, random)]]);
  },
  build(b, x, { nearest }, { contract }, { fitted, draw }) {
    const tiling = tilingOf(imageShape("quilting", contract));
    const bank = fitted("patches");
    const [patches = 0] = bank.dims;
    const most = Math.min(nearest, patches);
    const near = nearestOf(b, tilesOf(b, x, tiling), bank, most);
    let one = near;
    if (most > 1) {
      const drawn = draw("uniform", [tiling.rows * tiling.columns, 1]);
      const pick = b.cast(b.op("Floor", [b.mul(drawn, most)]), "int64");
      one = b.op("GatherElements", [near, pick], { axis: int(2) });
    }
    const made = b.op("Gather", [b.constant(bank), b.squeeze(one, [2])]);
    return quilted(b, made, tiling);
  },
});

/**
 * Patches [count, channels * 25] at random places of random images; the border of a
 * small image is repeated.
 */
function cutOut(
  images: FloatTensor,
  [channels, height, width]: readonly [number, number, number],
  count: number,
  random: Random,
): FloatTensor {
  const size = channels * TILE * TILE;
  const patches = new Float32Array(count * size);
  const start = (length: number) =>
    random.below(Math.max(1, length - TILE + 1));
  for (let n = 0; n < count; n++) {
    const image = random.below(images.dims[0] ?? 1);
    const [top, left] = [start(height), start(width)];
    const { data } = rows(images, image, image + 1);
    for (let k = 0; k < size; k++) {
      const plane = Math.floor(k / TILE ** 2);
      const y = Math.min(height - 1, top + (Math.floor(k / TILE) % TILE));
      const x = Math.min(width - 1, left + (k % TILE));
      patches[n * size + k] = data[(plane * height + y) * width + x]!;
    }
  }
  return floats([count, size], patches);
}

/** The indices [N, tiles, most] of the patches nearest to each tile. */
function nearestOf(
  b: GraphBuilder,
  tiles: string,
  bank: FloatTensor,
  most: number,
): string {
  const [count = 0, size = 0] = bank.dims;
  const lengths = Array.from({ length: count }, (_, n) =>
    bank.data
      .subarray(n * size, (n + 1) * size)
      .reduce((sum, v) => sum + v * v, 0),
  );
  // The length of the tile itself is the same for all.
  const products = b.matmul(tiles, b.transpose(b.constant(bank), [1, 0]));
  const near = b.sub(b.constant(floats([count], lengths)), b.mul(products, 2));
  return b.many(
    "TopK",
    [near, b.ints([most])],
    { axis: int(2), largest: int(0) },
    2,
  )[1]!;
}
