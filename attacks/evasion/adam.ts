export const BETA1 = 0.9;
export const BETA2 = 0.999;
export const EPSILON = 1e-8;

/**
 * Numbers that Adam moves, with its running means of their gradient and of its square.
 */
export interface Adam {
  readonly value: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly steps: number;
}

/** Adam at its start. */
export const adamFrom = (value: Float32Array): Adam => ({
  value,
  first: new Float32Array(value.length),
  second: new Float32Array(value.length),
  steps: 0,
});

/**
 * One step of Adam down a gradient (Kingma and Ba 2015, arXiv:1412.6980), in the
 * arrays of the last.
 */
export function adamStep(
  { value, first, second, steps }: Adam,
  gradient: Float32Array,
  rate: number,
): Adam {
  const scale1 = 1 / (1 - BETA1 ** (steps + 1));
  const scale2 = 1 / (1 - BETA2 ** (steps + 1));
  for (let k = 0; k < value.length; k++) {
    const g = gradient[k]!;
    const m = BETA1 * first[k]! + (1 - BETA1) * g;
    const v = BETA2 * second[k]! + (1 - BETA2) * g * g;
    first[k] = m;
    second[k] = v;
    value[k] =
      value[k]! - (rate * m * scale1) / (Math.sqrt(v * scale2) + EPSILON);
  }
  return { value, first, second, steps: steps + 1 };
}
