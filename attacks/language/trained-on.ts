import type { Random } from "#core";
import type { Spoken } from "#data";
import type { Model } from "#model";
import type { FloatTensor, Tensor } from "#onnx";
import { batchOfPass, openPlainStep } from "#tuning";
import { type LanguageInput, rowsOf } from "./language.ts";
import { type Box, project } from "./rounding.ts";

/** How long, and how fast. */
export interface Pace {
  readonly steps: number;
  readonly rate: number;
  /** Dialogues of a step. */
  readonly batchSize: number;
}

/**
 * A model after plain training on prompts and answers, by AdamW.
 *
 * @param boxes the weights that are trained, each within its box; all when left out
 */
export async function trainedOn(
  model: Model,
  said: readonly Spoken[],
  { steps, rate, batchSize }: Pace,
  { data, engine, signal }: LanguageInput<unknown>,
  random: Random,
  boxes?: ReadonlyMap<string, Box>,
): Promise<Model> {
  const weights = boxes && [...boxes.keys()];
  const step = await openPlainStep(model, engine, { weights });
  try {
    for (let s = 1; s <= steps; s++) {
      signal?.throwIfAborted();
      const batch = batchOfPass(said.length, s, batchSize, random).map(
        (i) => said[i] as Spoken,
      );
      await step.take(rowsOf(data, batch), rate);
      for (const [name, box] of boxes ?? [])
        project((step.weights.get(name) as FloatTensor).data, box);
    }
    const constants = new Map<string, Tensor>([
      ...model.graph.constants,
      ...step.weights,
    ]);
    return { ...model, graph: { ...model.graph, constants } };
  } finally {
    await step.release();
  }
}
