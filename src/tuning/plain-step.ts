import type { Random } from "#core";
import type { Engine } from "#engine";
import { layerGroups, type Model } from "#model";
import { adamw } from "./optimizers/adamw.ts";
import type { TrainingPart } from "./part.ts";
import { openStep, type TrainingStep } from "./step.ts";

/**
 * Plain training steps of AdamW, for who trains a model on without a strategy:
 * all weights at one rate, batch normalisation with its stored statistics.
 *
 * @param weights names of those that are trained; all when left out
 */
export function openPlainStep(
  model: Model,
  engine: Engine,
  {
    parts,
    weights = layerGroups(model.graph).flatMap((g) => g.parameters),
  }: {
    readonly parts?: readonly TrainingPart[];
    readonly weights?: readonly string[];
  } = {},
): Promise<TrainingStep> {
  return openStep(
    model,
    new Map(weights.map((name) => [name, 1])),
    {
      settings: {
        optimizer: { unit: adamw, params: adamw.params.parse({}) },
        clipNorm: null,
        batchNorm: "frozen",
      },
      parts,
    },
    engine,
  );
}

/**
 * The rows of the batch of a step, from 1: a new order of all samples in every pass.
 */
export function batchOfPass(
  samples: number,
  step: number,
  size: number,
  random: Random,
): number[] {
  const perPass = Math.ceil(samples / size);
  const pass = Math.floor((step - 1) / perPass);
  const from = ((step - 1) % perPass) * size;
  return random
    .fork(`order ${pass}`)
    .permutation(samples)
    .slice(from, from + size);
}
