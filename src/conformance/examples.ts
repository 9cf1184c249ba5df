import { type Attack, attackOn, attacks, ballOf } from "#attacks";
import { Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { compile, type Model } from "#model";
import type { FloatTensor } from "#onnx";

/** What one of our attacks makes of samples of a model, within linf eps of each. */
export async function examplesOf(
  id: string,
  model: Model,
  { x, y }: Pick<Dataset, "x" | "y">,
  eps: number,
  params: Readonly<Record<string, unknown>>,
): Promise<FloatTensor> {
  const unit = attacks.find((one) => one.id === id) as Attack;
  const compiled = await compile(model, onnxruntime);
  const { run } = attackOn(
    compiled,
    { x, y },
    { unit, params: unit.params.parse(params) },
    { ball: ballOf("linf", eps, [0, 1]) },
    { random: new Random(1) },
  );
  const examples = await run();
  await compiled.release();
  return examples;
}
