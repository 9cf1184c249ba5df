import type { Random } from "#core";
import type { Engine } from "#engine";
import { compile, type Model } from "#model";
import { floats, sizeOf } from "#onnx";
import type { Check } from "../results/index.ts";
import { fitGamma, gammaCdf } from "../statistics/index.ts";

export interface MarginSettings {
  /** Random points that the ascent starts from, for each class. */
  readonly starts: number;
  readonly steps: number;
}

/**
 * The largest margin z_c - max of the others that any input within the bounds gives
 * each class. Found by ascent from random starts along the sign of the gradient, with
 * steps that fall from a tenth of the range to nothing. The paper takes gradient
 * descent with momentum, whose rate has to fit the model.
 */
export async function largestMargins(
  model: Model,
  { starts, steps }: MarginSettings,
  engine: Engine,
  random: Random,
): Promise<number[]> {
  const { shape, bounds } = model.contract;
  const [low, high] = bounds;
  const compiled = await compile(model, engine);
  const margins: number[] = [];
  try {
    for (const label of model.classes.keys()) {
      const draw = random.fork(`class ${label}`);
      const x = floats(
        [starts, ...shape],
        Float32Array.from(
          { length: starts * sizeOf(shape) },
          () => low + (high - low) * draw.uniform(),
        ),
      );
      const aims = new Int32Array(starts).fill(label);
      let best = Number.NEGATIVE_INFINITY;
      for (let s = 0; s <= steps; s++) {
        const { loss, gradient } = await compiled.lossGradient(x, aims, {
          loss: "margin-targeted",
          aims,
        });
        best = loss.reduce((most, v) => Math.max(most, v), best);
        const size = 0.1 * (high - low) * (1 - s / steps);
        gradient.data.forEach((g, i) => {
          const moved = x.data[i]! + size * Math.sign(g);
          x.data[i] = Math.min(high, Math.max(low, moved));
        });
      }
      margins.push(best);
    }
  } finally {
    await compiled.release();
  }
  return margins;
}

/**
 * Below this the largest margin is one that a clean model would not have
 * (Wang et al. 2024).
 */
const UNLIKELY = 0.05;

/**
 * MM-BD (Wang, Xiang, Miller and Kesidis 2024, IEEE S&P, arXiv:2205.06900): the target
 * class of a backdoor has an unusually large maximum margin. The other classes'
 * margins are fitted by a gamma distribution H, and the p-value of the largest
 * one among K is 1 - H(r)^K. The paper takes p < 0.05 for a backdoor; here it is a
 * warning, since of few classes the fit rests on few numbers.
 *
 * @param margins of four classes or more
 */
export function marginCheck(
  margins: readonly number[],
  classes: readonly string[],
): { check: Check; pValue: number } {
  const largest = Math.max(...margins);
  const label = margins.indexOf(largest);
  const others = margins.filter((_, k) => k !== label);
  const pValue = pValueOf(largest, others);
  const p = pValue < 1e-3 ? pValue.toExponential(1) : pValue.toFixed(3);
  const known = {
    id: "margins",
    title: "No class has an unusual margin (MM-BD)",
  };
  return {
    pValue,
    check:
      pValue < UNLIKELY
        ? {
            ...known,
            status: "warned",
            message: `The largest margin of class "${classes[label]}" is ${largest.toPrecision(3)}, those of the others are at most ${Math.max(...others).toPrecision(3)} (p = ${p}): a backdoor into a class looks like that, and with few classes chance does. Look at the trigger into it (--suite).`,
          }
        : {
            ...known,
            status: "passed",
            message: `The largest margin of any class is not unusual beside those of the others (p = ${p}).`,
          },
  };
}

function pValueOf(largest: number, others: readonly number[]): number {
  // A gamma distribution is of numbers above 0. A class that nothing reaches is no
  // class of a working model.
  const above = others.filter((v) => v > 0);
  if (above.length < 3 || above.every((v) => v === above[0])) return 1;
  const { shape, scale } = fitGamma(above);
  return 1 - gammaCdf(largest, shape, scale) ** (above.length + 1);
}
