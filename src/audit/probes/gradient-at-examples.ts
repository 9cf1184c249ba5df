import { gradientError } from "#model";
import { takeRows } from "#onnx";
import type { Scene } from "./probe.ts";

/** Points that are compared. */
const POINTS = 8;

/**
 * The median relative error of the gradient against differences where the
 * attack stopped: kinks spoil some points, a wrong gradient all; null where it passes over rounding as if it were not there,
 * and where there is nothing to compare.
 */
export async function gradientAtExamples({
  victim,
  examples,
  y,
  targets,
  random,
}: Scene): Promise<number | null> {
  if (victim.model.straightThrough.length > 0) return null;
  const errors: number[] = [];
  for (let i = 0; i < Math.min(POINTS, y.length); i++) {
    const error = await gradientError(
      victim,
      takeRows(examples, [i]),
      {
        label: y[i] as number,
        targets: targets && takeRows(targets, [i]).data,
      },
      random.fork(`differences ${i}`),
    );
    if (typeof error === "number") errors.push(error);
  }
  if (errors.some(Number.isNaN)) return Number.NaN;
  return errors.sort((a, b) => a - b)[errors.length >> 1] ?? null;
}
