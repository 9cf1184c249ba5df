import { z } from "zod";
import {
  chrominance,
  cosines,
  fromRgb,
  luminance,
  stepsAt,
  toRgb,
} from "#core";
import { floats, type GraphBuilder, int, ints } from "#onnx";
import { extended, imageShape } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

/**
 * JPEG at a quality (Guo et al. 2018, arXiv:1711.00117, section 4; 75 there): pixels of
 * 8 bits, colour differences at half the size, cosines of 8x8 blocks rounded by the
 * standard's tables. What is lost is lost here. The coding of what is left loses
 * nothing, and is left out. Images of three channels are taken for RGB, the channels of
 * others for brightness.
 */
export const jpeg = defineSanitizer({
  id: "jpeg",
  title: "JPEG compression",
  summary:
    "Rounds the cosines of 8x8 blocks by the tables of JPEG, and halves the resolution of colours.",
  caution:
    "Rounding is passed straight through, which is an approximation: the attack may be too weak, so look at other-means. Examples that were made without it say nothing.",
  reference: "Guo et al. 2018, arXiv:1711.00117",
  needs: ["images"],
  params: z.strictObject({
    quality: z
      .int()
      .min(1)
      .max(100)
      .default(75)
      .describe("quality of the compression, from 1 to 100"),
  }),
  gradient: "straight-through",
  build(b, x, { quality }, { contract }) {
    const [channels, height, width] = imageShape("jpeg", contract);
    const [low, high] = contract.bounds;
    const bytes = b.op("Round", [b.mul(b.sub(x, low), 255 / (high - low))]);
    const [bright, colour] = [luminance, chrominance].map((table) =>
      stepsAt(table, quality),
    ) as [number[], number[]];
    const back =
      channels === 3
        ? inColour(b, bytes, height, width, bright, colour)
        : rounded(b, bytes, [channels, height, width], bright);
    const whole = within(b, b.op("Round", [back]));
    return b.add(b.mul(whole, (high - low) / 255), low);
  },
});

const within = (b: GraphBuilder, v: string) =>
  b.op("Clip", [v, b.scalar(0), b.scalar(255)]);

/** RGB of 0 to 255 by way of brightness and colour differences. */
function inColour(
  b: GraphBuilder,
  rgb: string,
  height: number,
  width: number,
  bright: readonly number[],
  colour: readonly number[],
): string {
  const parts = mixed(b, rgb, fromRgb);
  const y = rounded(
    b,
    b.slice(parts, [0], [1], [1]),
    [1, height, width],
    bright,
  );
  const even = extended(b, b.slice(parts, [1], [3], [1]), [height, width], 2);
  const half = b.op("AveragePool", [even], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
  });
  const small = [2, Math.ceil(height / 2), Math.ceil(width / 2)] as const;
  const shift = 128;
  const differences = b.sub(
    rounded(b, b.add(half, shift), small, colour),
    shift,
  );
  const doubled = (v: string, axis: number, length: number) =>
    b.op("Gather", [v, b.ints(Array.from({ length }, (_, i) => i >> 1))], {
      axis: int(axis),
    });
  const full = doubled(doubled(differences, 2, height), 3, width);
  return mixed(b, b.concat([y, full], 1), toRgb);
}

/** Each channel as a sum of the three by a row of weights. */
const mixed = (b: GraphBuilder, x: string, rows: readonly number[][]) =>
  b.op("Conv", [x, b.constant(floats([3, 3, 1, 1], rows.flat()))]);

/** Channels of 0 to 255 whose blocks' cosines are rounded to multiples of the steps. */
function rounded(
  b: GraphBuilder,
  x: string,
  [channels, height, width]: readonly [number, number, number],
  steps: readonly number[],
): string {
  const [rows, columns] = [Math.ceil(height / 8), Math.ceil(width / 8)];
  const even = extended(b, b.sub(x, 128), [height, width], 8);
  const blocks = b.reshape(
    b.transpose(
      b.reshape(even, [-1, channels, rows, 8, columns, 8]),
      [0, 1, 2, 4, 3, 5],
    ),
    [-1, 64],
  );
  const basis = b.constant(waves());
  const table = b.constant(floats([64], steps));
  const levels = b.op("Round", [
    b.div(b.matmul(blocks, b.transpose(basis, [1, 0])), table),
  ]);
  const back = b.reshape(
    b.transpose(
      b.reshape(b.matmul(b.mul(levels, table), basis), [
        -1,
        channels,
        rows,
        columns,
        8,
        8,
      ]),
      [0, 1, 2, 4, 3, 5],
    ),
    [-1, channels, 8 * rows, 8 * columns],
  );
  const seen = b.slice(back, [0, 0], [height, width], [2, 3]);
  return within(b, b.op("Round", [b.add(seen, 128)]));
}

/** The cosine transform of blocks of 64 pixels: a row of weights for each wave. */
function waves() {
  const wave = (k: number, i: number) => cosines[k]?.[i] as number;
  return floats(
    [64, 64],
    Array.from({ length: 64 * 64 }, (_, n) => {
      const [k, at] = [n >> 6, n & 63];
      return wave(k >> 3, at >> 3) * wave(k & 7, at & 7);
    }),
  );
}
