import { z } from "zod";
import { defineWeighting, weightedSum } from "./weighting.ts";

/**
 * Gradient surgery (PCGrad, Yu et al. 2020, arXiv:2001.06782): of the gradient of each
 * task what points against that of another is taken away, by projection onto the normal
 * plane of the other, in random order; then they are summed. Directions are those of
 * the trunk. Heads get the plain sum.
 */
export const pcgrad = defineWeighting({
  id: "pcgrad",
  title: "Gradient surgery (PCGrad)",
  summary:
    "Takes from each task's gradient what points against that of another, before they are summed.",
  caution:
    "Each task has a pass of its own, so it costs as many passes as there are tasks. Where tasks agree it does nothing.",
  reference: "Yu et al. 2020, arXiv:2001.06782",
  params: z.strictObject({}),
  open: (_params, { tasks, shared, random }) => ({
    weights: tasks.map(() => 1),
    combine(found) {
      const trunk = shared.flatMap((g) => g.parameters);
      const flat = found.map(({ gradients }) =>
        joined(trunk.flatMap((name) => gradients.get(name) ?? [])),
      );
      const total = projected(flat, (n) => random.permutation(n));
      const sum = weightedSum(
        found,
        found.map(() => 1),
      );
      let at = 0;
      for (const name of trunk) {
        const into = sum.get(name);
        into?.set(total.subarray(at, at + into.length));
        at += into?.length ?? 0;
      }
      return sum;
    },
  }),
});

/**
 * The sum of the gradients after each is freed of its conflicts with the others.
 *
 * @param order draws an order of 0..n-1
 */
export function projected(
  gradients: readonly Float32Array[],
  order: (n: number) => readonly number[],
): Float32Array {
  const total = new Float32Array(gradients[0]?.length ?? 0);
  for (const [i, own] of gradients.entries()) {
    const now = Float64Array.from(own);
    for (const j of order(gradients.length)) {
      if (j === i) continue;
      const other = gradients[j]!;
      const along = dot(now, other);
      const square = dot(other, other);
      if (along >= 0 || square === 0) continue;
      for (let k = 0; k < now.length; k++)
        now[k] = now[k]! - (along / square) * other[k]!;
    }
    for (let k = 0; k < now.length; k++) total[k] = total[k]! + now[k]!;
  }
  return total;
}

function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += x[k]! * y[k]!;
  return sum;
}

/** Arrays one behind the other. */
function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
