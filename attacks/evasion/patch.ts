import { z } from "zod";
import { AssayError, type Random } from "#core";
import { copyOf, type FloatTensor, takeRows } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { imageShape } from "../images.ts";
import { inOrder } from "./order.ts";
import {
  covered,
  diameterOf,
  lay,
  lift,
  type Placement,
} from "./patch-placement.ts";
import { rivalsOf } from "./rivals.ts";

import { rowOf } from "./vectors.ts";

const patchParams = z.strictObject({
  share: z
    .number()
    .positive()
    .max(1)
    .default(0.1)
    .describe("share of the image that the patch covers when it is scored"),
  rotation: z
    .number()
    .nonnegative()
    .max(180)
    .default(22.5)
    .describe("the largest angle, in degrees, as it is made and scored"),
  scaleMin: z
    .number()
    .positive()
    .max(1)
    .default(0.1)
    .describe(
      "the least diameter as it is made, as a share of the shorter side of the image",
    ),
  scaleMax: z
    .number()
    .positive()
    .max(1)
    .default(1)
    .describe(
      "the largest diameter as it is made, as a share of the shorter side of the image",
    ),
  learningRate: z
    .number()
    .positive()
    .default(5)
    .describe("size of a step of gradient descent"),
  steps: z.int().positive().default(500).describe("steps for each patch"),
  batchSize: z.int().positive().default(16).describe("samples of each step"),
  targets: z
    .int()
    .positive()
    .default(1)
    .describe(
      "classes that are aimed at, each by a patch of its own, of which that is kept which breaks most",
    ),
});

type Input = AttackInput<z.output<typeof patchParams>>;

/**
 * Adversarial patch (Brown et al. 2017, arXiv:1712.09665): one round patch for
 * all samples, which raises the expected log-probability of a class over
 * samples, places, angles and sizes, by gradient descent from grey. Defaults as
 * in ART, since the paper leaves them out.
 *
 * It is made on the samples that are scored, and scored at one random place and
 * angle a sample, any wrong class counting. The paper chooses a class; here it is
 * the one that most samples have as the likeliest other. A sample of that class can
 * hardly be broken, so a low share stays robust whatever the patch. Images of
 * shape [C, H, W] only.
 */
export const patch = defineAttack({
  id: "patch",
  title: "Adversarial patch",
  summary:
    "One round patch for all samples, trained over places, angles and sizes so that a class of the attacker's wins.",
  caution:
    "Its size is the budget, so numbers do not compare with those in a norm. It is made on the samples that are scored; and samples of the class that is aimed at can hardly be broken, so a low share always stays.",
  access: "gradient",
  family: "universal",
  norms: ["none"],
  reference: "Brown et al. 2017, arXiv:1712.09665",
  taxonomy: {
    atlas: ["AML.T0043.000", "AML.T0015", "AML.T0041"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.022"],
  },
  needs: ["images"],
  params: patchParams,
  async run(input) {
    const { target, x, y, params, random, onProgress } = input;
    const shape = imageShape("patch", x);
    const pixels = pixelsOf(shape, params.share);
    const streams = random.map((stream) => stream.fork("patch"));
    const places = random.map((stream) =>
      placed(
        shape,
        drawn(shape, pixels, params.rotation, stream.fork("place")),
      ),
    );
    const aims = await aimsOf(input);
    let best = copyOf(x);
    let most = 0;
    for (const [rank, aim] of aims.entries()) {
      const made = await train(input, shape, aim, streams, (share) =>
        onProgress((rank + share) / aims.length),
      );
      const examples = copyOf(x);
      for (const i of y.keys())
        lay(rowOf(examples, i), made, shape[0], places[i]!);
      const asked = Array.from(y.keys()).filter((i) => target.affords(i, 1));
      if (asked.length === 0) break;
      const predicted = await target.predict(takeRows(examples, asked), asked);
      const broken = asked.filter((i, at) => predicted[at] !== y[i]).length;
      if (broken <= most) continue;
      most = broken;
      best = examples;
    }
    return best;
  },
});

type Shape = readonly [channels: number, height: number, width: number];

const sideOf = ([, height, width]: Shape) => Math.min(height, width);

/** How many pixels a patch of this share covers, never more than that. */
function pixelsOf(shape: Shape, share: number): number {
  const [, height, width] = shape;
  const pixels = Math.floor(share * height * width);
  const side = sideOf(shape);
  if (pixels >= 1 && diameterOf(pixels) <= side) return pixels;
  const most = (Math.PI / 4) * (side / height) * (side / width);
  throw new AssayError(
    "ATTACK_INPUT",
    `a patch of ${share} of an image of ${height}x${width} pixels ${pixels < 1 ? "has no pixel" : "does not fit into it"}`,
    `Choose a share from ${(1 / height / width).toFixed(4)} to ${most.toFixed(4)}.`,
  );
}

/** The classes that most samples have as the likeliest other one. */
async function aimsOf(input: Input): Promise<number[]> {
  const { target, params } = input;
  const votes = new Int32Array(target.classes);
  for (const [first] of (await rivalsOf(input, 1)).values())
    if (first !== undefined) votes[first] = votes[first]! + 1;
  return Array.from(votes.keys())
    .filter((k) => votes[k]! > 0)
    .sort((a, b) => votes[b]! - votes[a]! || a - b)
    .slice(0, params.targets);
}

/** A patch [C, side, side] that makes the model see a class. */
async function train(
  { target, x, y, ball, params }: Input,
  shape: Shape,
  aim: number,
  streams: readonly Random[],
  onProgress: (share: number) => void,
): Promise<Float64Array> {
  const [low, high] = ball.bounds;
  const [channels] = shape;
  const side = sideOf(shape);
  const made = new Float64Array(channels * side * side).fill((low + high) / 2);
  // In the unit of inputs in [0, 1].
  const rate = params.learningRate * (high - low) ** 2;
  for (let step = 0; step < params.steps; step++) {
    onProgress(step / params.steps);
    // One query is kept for the score.
    const able = Array.from(y.keys()).filter(
      (i) => y[i] !== aim && target.affords(i, 2),
    );
    const batch = inOrder(able, streams).slice(0, params.batchSize);
    if (batch.length === 0) break;
    const places = batch.map((i) => {
      const stream = streams[i]!;
      const { scaleMin, scaleMax, rotation } = params;
      const scale = scaleMin + (scaleMax - scaleMin) * stream.uniform();
      const disc = (Math.PI / 4) * (scale * side) ** 2;
      const pixels = Math.max(1, Math.floor(disc));
      return placed(shape, drawn(shape, pixels, rotation, stream));
    });
    const rows: FloatTensor = takeRows(x, batch);
    for (const [at, where] of places.entries())
      lay(rowOf(rows, at), made, channels, where);
    const { gradient } = await target.lossGradient(rows, batch, {
      loss: "cross-entropy-targeted",
      aims: batch.map(() => aim),
    });
    const slope = new Float64Array(made.length);
    for (const [at, where] of places.entries())
      lift(slope, rowOf(gradient, at), channels, where);
    for (let k = 0; k < made.length; k++) {
      const move = (rate * slope[k]!) / batch.length;
      made[k] = Math.min(high, Math.max(low, made[k]! + move));
    }
  }
  return made;
}

const placed = (shape: Shape, placement: Placement) =>
  covered(shape[1], shape[2], sideOf(shape), placement);

/** A random place, wholly inside the image, and a random angle. */
function drawn(
  [, height, width]: Shape,
  pixels: number,
  rotation: number,
  random: Random,
): Placement {
  const size = diameterOf(pixels);
  const within = (n: number) =>
    (size - 1) / 2 + Math.max(0, n - size) * random.uniform();
  return {
    row: within(height),
    column: within(width),
    angle: rotation * (2 * random.uniform() - 1),
    pixels,
  };
}
