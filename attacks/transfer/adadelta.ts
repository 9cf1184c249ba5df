const DECAY = 0.95;
const EPSILON = 1e-8;

/**
 * Numbers that Adadelta moves, with its running means of their squared gradient
 * and squared step.
 */
export interface Adadelta {
  readonly value: Float64Array;
  readonly gradients: Float64Array;
  readonly steps: Float64Array;
}

export const adadeltaFrom = (value: Float64Array): Adadelta => ({
  value,
  gradients: new Float64Array(value.length),
  steps: new Float64Array(value.length),
});

/**
 * One step of Adadelta down a gradient, in place (Zeiler 2012, arXiv:1212.5701), with
 * the constants of TensorFlow.
 */
export function adadeltaStep(
  { value, gradients, steps }: Adadelta,
  gradient: Float64Array,
  rate: number,
): void {
  for (let i = 0; i < value.length; i++) {
    const g = gradient[i]!;
    const mean = DECAY * gradients[i]! + (1 - DECAY) * g * g;
    const before = steps[i]!;
    const step = (Math.sqrt(before + EPSILON) / Math.sqrt(mean + EPSILON)) * g;
    gradients[i] = mean;
    steps[i] = DECAY * before + (1 - DECAY) * step * step;
    value[i] = value[i]! - rate * step;
  }
}
