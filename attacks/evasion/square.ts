import { z } from "zod";
import { reused, takeRows } from "#onnx";
import { type AttackInput, defineAttack } from "../attack.ts";
import { blackBox } from "../taxonomies.ts";
import { marginOf } from "./score-losses.ts";
import { bumps, hasRoomForBumps } from "./square-bumps.ts";
import type { Canvas } from "./square-moves.ts";
import { stripes } from "./square-stripes.ts";
import { rowOf } from "./vectors.ts";

const squareParams = z.strictObject({
  queries: z
    .int()
    .positive()
    .default(5000)
    .describe("queries of each sample, the first point among them"),
  pInit: z
    .number()
    .positive()
    .max(1)
    .default(0.8)
    .describe("share of the pixels that the first squares cover"),
  rescaleSchedule: z
    .boolean()
    .default(false)
    .describe(
      "whether the schedule of the squares, made for 10,000 queries, is stretched over the queries; AutoAttack does not",
    ),
});

export type SquareParams = z.output<typeof squareParams>;

/**
 * Square Attack (Andriushchenko et al. 2020, arXiv:1912.00049): random search with
 * squares that shrink by a schedule, which keeps a change when the margin of a wrong
 * class rises; in Linf squares at the edge of the ball, in L2 and in L1 (Croce and Hein
 * 2021, arXiv:2103.01208) bumps that take their share of the budget from a second
 * window. Vectors are images of one row, and have Linf only.
 */
export const square = defineAttack({
  id: "square",
  title: "Square",
  summary:
    "Random search with squares that shrink, which keeps a change when the margin of a wrong class rises. It sees scores alone, so masked gradients do not stop it.",
  caution:
    "With few queries it leaves much standing that more would break, all the more as the squares shrink by a schedule made for 10,000. Vectors have Linf only. Against a model that draws at random a change may be kept by luck.",
  access: "score",
  family: "query",
  norms: ["linf", "l2", "l1"],
  reference: "Andriushchenko et al. 2020, arXiv:1912.00049",
  taxonomy: blackBox,
  params: squareParams,
  async run(input) {
    const { target, x, y, ball, params, random, onProgress } = input;
    const canvas = canvasOf(input);
    const moves = ball.norm === "linf" ? stripes : bumps(ball.norm);
    const streams = random.map((stream) => stream.fork("square"));
    const best = { ...x, data: Float32Array.from(x.data) };
    const most = new Float64Array(y.length).fill(Number.NEGATIVE_INFINITY);
    const [lent, projected] = [reused(), reused()];
    for (let query = 0; query < params.queries; query++) {
      if (query % 16 === 0) onProgress(query / params.queries);
      const open = target.open();
      if (open.length === 0) break;
      const tries = takeRows(best, open, lent);
      const share = shareAt(query, params);
      open.forEach((sample, place) => {
        const [to, centre] = [rowOf(tries, place), rowOf(x, sample)];
        const stream = streams[sample]!;
        if (query === 0) moves.start(to, centre, canvas, stream);
        else moves.change(to, centre, share, canvas, stream);
      });
      const points =
        ball.norm === "l1"
          ? ball.project(takeRows(x, open, projected), tries, lent)
          : tries;
      const scores = await target.scores(points, open);
      open.forEach((sample, place) => {
        const margin = marginOf(rowOf(scores, place), y[sample]!);
        if (!(margin > most[sample]!)) return;
        most[sample] = margin;
        rowOf(best, sample).set(rowOf(points, place));
      });
    }
    return target.examples();
  },
});

/** Queries after which the squares' area is halved, of 10,000. */
const halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/** The share of the pixels that the squares cover at a query, counted from 0. */
export function shareAt(
  query: number,
  { pInit, queries, rescaleSchedule }: SquareParams,
): number {
  const at = rescaleSchedule ? Math.floor((query / queries) * 10_000) : query;
  return pInit / 2 ** halvings.filter((after) => at > after).length;
}

/** Whether the attack has moves for these inputs in this norm. */
export const canSearch = (input: Pick<AttackInput<unknown>, "x" | "ball">) =>
  input.ball.norm === "linf" || hasRoomForBumps(canvasOf(input));

function canvasOf({
  x,
  ball: { eps, bounds },
}: Pick<AttackInput<unknown>, "x" | "ball">): Canvas {
  const shape = x.dims.slice(1);
  const [channels, height, width] =
    shape.length === 3 ? shape : [1, 1, shape.reduce((p, d) => p * d, 1)];
  return {
    channels: channels as number,
    height: height as number,
    width: width as number,
    eps,
    bounds,
  };
}
