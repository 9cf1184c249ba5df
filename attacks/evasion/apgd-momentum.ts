import { reused } from "#onnx";
import type { Paces } from "./apgd-pace.ts";

/** The weight of the new step. What is left repeats the last move. */
const FRESH = 0.75;

/**
 * Steps along the norm's steepest direction with momentum, from 2 eps on, which
 * are halved at checkpoints where too few of them raised the loss, or where
 * neither the size nor the highest loss changed (Croce and Hein 2020,
 * arXiv:2003.01690, algorithm 1; Linf and L2).
 *
 * @param rho the share of steps that have to raise the loss
 */
export function momentumPaces(rho: number): Paces {
  // Samples step one after the other.
  const lent = reused();
  return {
    checkpoints,
    begin(ball, centre) {
      let size = 2 * ball.eps;
      let fresh = 1;
      let halved = true;
      let lastBest = Number.NEGATIVE_INFINITY;
      const row = (data: Float32Array) => ({ ...centre, data });
      return {
        next({ point, before, gradient }) {
          const up = ball.ascend(row(point), row(gradient), size, lent);
          const aim = ball.project(centre, up, lent);
          // The mean of the step and the last move, in its place.
          const mixed = aim.data;
          for (let i = 0; i < mixed.length; i++) {
            const here = point[i]!;
            mixed[i] =
              here +
              fresh * (mixed[i]! - here) +
              (1 - fresh) * (here - before[i]!);
          }
          fresh = FRESH;
          return ball.project(centre, aim, lent).data;
        },
        review({ rises, bestLoss }, since) {
          const stuck = !halved && bestLoss <= lastBest;
          halved = rises <= rho * since || stuck;
          lastBest = bestLoss;
          if (halved) size /= 2;
          return halved;
        },
      };
    },
  };
}

/** 22 % of the steps, and then gaps that shrink by 3 % down to 6 %. */
export function checkpoints(steps: number): number[] {
  const share = (part: number) => Math.max(1, Math.floor(part * steps));
  const all: number[] = [];
  let gap = share(0.22);
  for (let at = gap; at < steps; at += gap) {
    all.push(at);
    gap = Math.max(gap - share(0.03), share(0.06));
  }
  return all;
}
