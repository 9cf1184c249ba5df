import type { Engine } from "#engine";
import type { FloatTensor } from "#onnx";
import { argmaxRows, compile } from "./compiled.ts";
import type { Model } from "./model.ts";

/** What a model gives for inputs, [N, outputs], for who asks it once. */
export async function logitsOf(
  model: Model,
  x: FloatTensor,
  engine: Engine,
): Promise<FloatTensor> {
  const compiled = await compile(model, engine);
  try {
    return await compiled.logits(x);
  } finally {
    await compiled.release();
  }
}

/** The share of samples that a classifier is right on. */
export async function accuracyOf(
  model: Model,
  { x, y }: { readonly x: FloatTensor; readonly y: Int32Array },
  engine: Engine,
): Promise<number> {
  const said = argmaxRows(await logitsOf(model, x, engine));
  return said.filter((label, i) => label === y[i]).length / y.length;
}
