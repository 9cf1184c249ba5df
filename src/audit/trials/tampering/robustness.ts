import { attackOn, attacks, ballOf, type Norm } from "#attacks";
import type { Random } from "#core";
import type { Dataset } from "#data";
import { argmaxRows, type CompiledModel } from "#model";
import type { FloatTensor } from "#onnx";

/** A budget for the attack on inputs that trials measure robustness with. */
export interface Budget {
  readonly norm: Norm;
  /** In the unit of the input bounds. */
  readonly eps: number;
  readonly steps: number;
}

/** The labels that a model gives. */
export async function labelsOf(
  model: CompiledModel,
  x: FloatTensor,
): Promise<ArrayLike<number>> {
  return argmaxRows(await model.logits(x));
}

/** Which rows are right: 1 or 0. */
export async function rightOf(
  model: CompiledModel,
  x: FloatTensor,
  y: Int32Array,
): Promise<Uint8Array> {
  const said = await labelsOf(model, x);
  return Uint8Array.from(y, (label, i) => (said[i] === label ? 1 : 0));
}

/** Examples of APGD on the cross-entropy (one restart) against the samples that the model gets right; the others stay as they are. */
export async function examplesAgainst(
  model: CompiledModel,
  { x, y }: Dataset,
  { norm, eps, steps }: Budget,
  random: Random,
): Promise<FloatTensor> {
  const right = await rightOf(model, x, y);
  const unit = attacks.find((a) => a.id === "apgd-ce");
  if (!unit) throw new Error("apgd-ce is an attack");
  const { run } = attackOn(
    model,
    { x, y },
    { unit, params: unit.params.parse({ steps, restarts: 1 }) },
    { ball: ballOf(norm, eps, model.model.contract.bounds) },
    {
      rows: [...y.keys()].filter((i) => right[i] === 1),
      random,
      draws: random.fork("draws"),
    },
  );
  return run();
}
