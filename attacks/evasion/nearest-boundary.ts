import type { FloatTensor } from "#onnx";
import { dot, rowOf } from "./vectors.ts";

/**
 * Carries a point over a boundary that it lies on, in the unit of the logits;
 * DeepFool's authors take 1e-4.
 */
const HAIR = 1e-6;

/** A step across a linearised boundary: scale * normal. */
export interface Step {
  readonly normal: Float32Array;
  readonly scale: number;
}

/**
 * The shortest step over one of the linearised boundaries to other classes
 * (Moosavi-Dezfooli et al. 2016, arXiv:1511.04599, algorithm 2); none where no
 * gradient says where they are.
 *
 * @param loss the differences of two logits, of which rows from `from` on are looked at
 */
export function nearestBoundary(
  loss: Float32Array,
  gradient: FloatTensor,
  from: number,
  count: number,
): Step | undefined {
  let best: Step | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let row = from; row < from + count; row++) {
    const normal = rowOf(gradient, row);
    const square = dot(normal, normal);
    const gap = Math.abs(loss[row]!) + HAIR;
    const distance = gap / Math.sqrt(square);
    // Neither a vanished gradient nor one that is not finite is below.
    if (!(distance < least) || square === Number.POSITIVE_INFINITY) continue;
    least = distance;
    best = { normal, scale: gap / square };
  }
  return best;
}
