import { z } from "zod";
import { type Pose, posed, type Random } from "#core";
import { takeRows } from "#onnx";
import { defineAttack } from "../attack.ts";
import { imageShape } from "../images.ts";
import { blackBox } from "../taxonomies.ts";
import { rowOf } from "./vectors.ts";

const spatialParams = z.strictObject({
  search: z
    .enum(["grid", "random"])
    .default("grid")
    .describe("every pose of a grid, or the worst of so many random ones"),
  rotation: z
    .number()
    .nonnegative()
    .max(180)
    .default(30)
    .describe("the largest angle, in degrees"),
  translation: z
    .number()
    .nonnegative()
    .max(1)
    .default(0.1)
    .describe(
      "the largest shift, as a share of the size: 3 pixels of 28 or 32 in the paper",
    ),
  angles: z.int().positive().default(31).describe("angles of the grid"),
  shifts: z
    .int()
    .positive()
    .default(5)
    .describe("shifts of the grid along each side"),
  draws: z.int().positive().default(10).describe("random poses"),
});

/**
 * Rotations and translations (Engstrom et al. 2019, arXiv:1712.02779): every
 * pose of a grid, the smaller ones first, or the worst of a few random ones;
 * bilinear, with black where the image ends. Images of shape [C, H, W] only.
 */
export const spatial = defineAttack({
  id: "spatial",
  title: "Rotation and translation",
  summary:
    "Turns and shifts each image, over a grid of poses or the worst of some random ones.",
  caution:
    "Poses between those of the grid are not tried. Where the image ends it becomes black, which is a change of its own on images that are not black there. There is no norm, so numbers do not compare with those in one.",
  access: "label",
  family: "query",
  norms: ["none"],
  reference: "Engstrom et al. 2019, arXiv:1712.02779",
  taxonomy: blackBox,
  needs: ["images", "one answer"],
  params: spatialParams,
  async run({ target, x, y, ball, params, random, onProgress }) {
    const shape = imageShape("spatial", x);
    const streams = random.map((stream) => stream.fork("spatial"));
    const grid = gridOf(params);
    const count = params.search === "grid" ? grid.length : params.draws;
    const poseOf = (sample: number, k: number) =>
      params.search === "grid" ? grid[k]! : drawPose(params, streams[sample]!);
    for (let k = 0; k < count && y.length > 0; k++) {
      onProgress(k / count);
      const open = target.open();
      if (open.length === 0) break;
      const rows = takeRows(x, open);
      for (const [place, sample] of open.entries()) {
        const row = rowOf(rows, place);
        row.set(posed(row, shape, poseOf(sample, k), ball.bounds));
      }
      await target.predict(rows, open);
    }
    return target.examples();
  },
});

type Params = z.output<typeof spatialParams>;

/**
 * Poses by how far they go, so that what is kept of a sample is the
 * least that breaks it.
 */
function gridOf({ rotation, translation, angles, shifts }: Params): Pose[] {
  const steps = (count: number, most: number) =>
    Array.from({ length: count }, (_, i) =>
      count === 1 ? 0 : most * ((2 * i) / (count - 1) - 1),
    );
  const size = ({ angle, down, right }: Pose) =>
    Math.abs(angle) / (rotation || 1) +
    (Math.abs(down) + Math.abs(right)) / (translation || 1);
  return steps(angles, rotation)
    .flatMap((angle) =>
      steps(shifts, translation).flatMap((down) =>
        steps(shifts, translation).map((right) => ({ angle, down, right })),
      ),
    )
    .sort((a, b) => size(a) - size(b));
}

function drawPose({ rotation, translation }: Params, random: Random): Pose {
  const within = (most: number) => most * (2 * random.uniform() - 1);
  return {
    angle: within(rotation),
    down: within(translation),
    right: within(translation),
  };
}
