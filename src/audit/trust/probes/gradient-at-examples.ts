import type { Random } from "#core";
import { type Beside, type CompiledModel, gradientErrors } from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import type { Attempt } from "./probe.ts";

/** Points that are compared. */
const POINTS = 8;

/**
 * The median relative error of the gradient against differences where the
 * attack stopped: kinks spoil some points, a wrong gradient all. Of several heads
 * that of the worst; null where it passes over rounding as if it were not there,
 * and where there is nothing to compare.
 */
export async function gradientAtExamples({
  model,
  beside = [],
  examples,
  y,
  targets,
  random,
}: Attempt): Promise<number | null> {
  let worst = await errorOf({ model, y, targets }, examples, random);
  for (const [i, head] of beside.entries()) {
    if (head.isBlind) continue;
    const error = await errorOf(head, examples, random.fork(`head ${i}`));
    worst = error === null ? worst : Math.max(worst ?? 0, error);
  }
  return worst;
}

/** A model whose gradient is what attacks follow, with 0 where it is not finite. */
const followed = (model: CompiledModel): CompiledModel => ({
  ...model,
  lossGradient: async (...asked) => ({
    ...(await model.lossGradient(...asked)),
    notFinite: [],
  }),
});

async function errorOf(
  { model, y, targets }: Beside,
  examples: FloatTensor,
  random: Random,
): Promise<number | null> {
  if (model.model.straightThrough.length > 0) return null;
  const points = Array.from(y.slice(0, POINTS), (_, i) => i);
  const found = await gradientErrors(
    followed(model),
    takeRows(examples, points),
    points.map((i) => ({
      label: y[i]!,
      targets: targets && takeRows(targets, [i]).data,
    })),
    points.map((i) => random.fork(`differences ${i}`)),
  );
  const errors = found.filter((error) => typeof error === "number");
  if (errors.some(Number.isNaN)) return Number.NaN;
  return errors.sort((a, b) => a - b)[errors.length >> 1] ?? null;
}
