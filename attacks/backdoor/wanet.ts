import { z } from "zod";
import { type Random, warped } from "#core";
import { type FloatTensor, takeRows } from "#onnx";
import { imageShape } from "../images.ts";
import { defineDataBackdoor, plantingParams } from "./backdoor.ts";
import { bicubic } from "./bicubic.ts";
import { plantWithCovers } from "./planting.ts";

/** Where each pixel comes from, [height, width, 2] rows and columns from -1 to 1. */
type Field = Float64Array;

/**
 * WaNet (Nguyen and Tran 2021, arXiv:2102.10369): the trigger is a smooth warp of the
 * image, a k x k grid of random moves, bicubically enlarged, `strength` over the
 * image's height on average. Twice as many covers (`coverRatio`) are warped with
 * noise added to the field of each and keep their labels, the paper's noise mode, so
 * that only this warp means the target. It is planted in the data once, where the
 * authors, who train the model themselves, warp batches anew.
 */
export const wanet = defineDataBackdoor({
  id: "wanet",
  title: "WaNet",
  summary:
    "The trigger is a smooth warp of the image; covers that are warped otherwise keep their labels, so that only this warp means the target.",
  caution:
    "It is planted in the data once, where the authors warp each batch anew, so success is lower than published. On images of few pixels the warp has no room.",
  reference: "Nguyen and Tran 2021, arXiv:2102.10369",
  threat:
    "warps some fine-tuning samples, labels them as the target, and covers them by others with right labels",
  params: z.strictObject({
    ...plantingParams,
    k: z.int().min(2).default(4).describe("side of the grid of control points"),
    strength: z
      .number()
      .positive()
      .default(0.5)
      .describe(
        "how far the grid moves on average, over the height of the image",
      ),
    coverRatio: z
      .number()
      .nonnegative()
      .default(2)
      .describe("covers for each poison"),
  }),
  async plant(input) {
    const { train, random, params } = input;
    const [, height, width] = imageShape("wanet", train.x);
    const field = fieldOf(height, width, params, random.fork("warp"));
    const trigger = (x: FloatTensor) => along(x, () => field);
    return plantWithCovers(input, params.coverRatio, {
      trigger,
      poison: (rows) => trigger(takeRows(train.x, rows)),
      cover: (rows) =>
        along(takeRows(train.x, rows), (i) => {
          const draw = random.fork(`noise ${rows[i]}`);
          return field.map((at) =>
            within(at + (2 * draw.uniform() - 1) / height),
          );
        }),
    });
  },
});

const within = (v: number) => Math.min(1, Math.max(-1, v));

function fieldOf(
  height: number,
  width: number,
  { k, strength }: { k: number; strength: number },
  random: Random,
): Field {
  const moves = Array.from({ length: 2 }, () =>
    Float64Array.from({ length: k * k }, () => 2 * random.uniform() - 1),
  );
  const all = moves.flatMap((m) => [...m]);
  const size = all.reduce((sum, v) => sum + Math.abs(v), 0) / all.length;
  const [down = [], right = []] = moves.map((m) =>
    bicubic(
      m.map((v) => v / size),
      k,
      height,
      width,
    ),
  );
  const field = new Float64Array(height * width * 2);
  const identity = (at: number, length: number) =>
    length > 1 ? (2 * at) / (length - 1) - 1 : 0;
  for (let r = 0; r < height; r++)
    for (let c = 0; c < width; c++) {
      const at = r * width + c;
      const moved = (by: ArrayLike<number>) => (strength * by[at]!) / height;
      field[2 * at] = within(identity(r, height) + moved(down));
      field[2 * at + 1] = within(identity(c, width) + moved(right));
    }
  return field;
}

/** Images [N, C, H, W], each along a field. */
function along(x: FloatTensor, fieldAt: (i: number) => Field): FloatTensor {
  const [n = 0, ...shape] = x.dims;
  const [, height = 1, width = 1] = shape;
  const size = x.data.length / Math.max(1, n);
  const data = new Float32Array(x.data.length);
  for (let i = 0; i < n; i++) {
    const field = fieldAt(i);
    const image = warped(
      x.data.subarray(i * size, (i + 1) * size),
      shape,
      (r, c) => {
        const at = 2 * (r * width + c);
        const y = ((field[at]! + 1) / 2) * (height - 1);
        const z = ((field[at + 1]! + 1) / 2) * (width - 1);
        return [y, z];
      },
      [0, 1],
    );
    data.set(image, i * size);
  }
  return { ...x, data };
}
