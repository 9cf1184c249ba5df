import { type NormGeometry, unit } from "./norm.ts";

function length(v: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += v[i]! ** 2;
  return Math.sqrt(sum);
}

/** The Euclidean length of the change. */
export const l2: NormGeometry = {
  shrink(delta, eps) {
    const size = length(delta);
    if (size <= eps) return;
    for (let i = 0; i < delta.length; i++) delta[i]! *= eps / size;
  },
  direction: (gradient) => unit(gradient, length(gradient)),
  // A normal vector has a uniform direction; the d-th root makes the radius uniform in volume.
  draw(delta, eps, random) {
    for (let i = 0; i < delta.length; i++) delta[i] = random.normal();
    const radius = eps * random.uniform() ** (1 / delta.length);
    const size = length(delta) || 1;
    for (let i = 0; i < delta.length; i++) delta[i]! *= radius / size;
  },
  length,
};
