import { AssayError, messageOf, Random } from "#core";
import { onnxruntime } from "#engine";
import { type Dim, rows } from "#onnx";
import { compile, type Input } from "./compiled.ts";
import type { Model } from "./model.ts";
import { randomSamples } from "./random-samples.ts";

/** How far logits may move in a batch, as a share of the largest. */
const TOLERANCE = 1e-3;

/**
 * Why a model that was exported for one batch size, or whose other inputs were filled,
 * cannot be run for any (MODEL_BATCH); undefined where two random samples have the same
 * logits alone and together.
 *
 * @param first the first size of its input: what it was exported for, or its name
 */
export async function refusedBatch(
  model: Model,
  first: Dim | undefined,
  file: string,
): Promise<AssayError | undefined> {
  const isSequence = typeof first === "string" && /seq|time|step/i.test(first);
  const refusal = (why: string, cause?: unknown) =>
    new AssayError(
      "MODEL_BATCH",
      typeof first === "number"
        ? `${file} was exported for batches of ${first} and cannot be opened for others: ${why}`
        : `${file} cannot be run for several samples at once: ${why}`,
      isSequence
        ? `The first axis of its input, "${first}", is that of a sequence whose steps see each other. Export it with an axis of samples in front, so that a sample is a whole sequence.`
        : "Export the model with a free batch dimension (dynamic_shapes or dynamic_axes of torch.onnx.export).",
      { cause },
    );
  const compiled = await compile(model, onnxruntime);
  const ask = async (x: Input) => (await compiled.logits(x)).data;
  try {
    const x = randomSamples(model, 2, new Random("batch"));
    const together = await ask(x);
    for (const i of [0, 1]) {
      const alone = await ask(rows<Input["type"]>(x, i, i + 1) as Input);
      const beside = together.subarray(
        i * alone.length,
        (i + 1) * alone.length,
      );
      const scale = alone.reduce((most, z) => Math.max(most, Math.abs(z)), 1);
      const apart = (z: number, k: number) =>
        Math.abs(z - beside[k]!) > TOLERANCE * scale;
      if (together.length !== 2 * alone.length || alone.some(apart))
        return refusal("a sample has other logits alone than beside another");
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "ENGINE_RUN")
      throw error;
    return refusal(messageOf(error), error);
  } finally {
    await compiled.release();
  }
}
