import { type LayerGroup, layerGroups } from "#model";
import type { Tuned, TuneInput } from "./training.ts";
import { tune } from "./tune.ts";

/** A training that may name its layer groups, and has one stage. */
interface Even extends Omit<TuneInput, "groups" | "stages"> {
  readonly epochs: number;
  readonly groups?: readonly LayerGroup[];
}

/** What `tune` is given to train layer groups, all when left out, at one rate. */
export function inOneStage({
  model,
  epochs,
  groups = layerGroups(model.graph),
  ...input
}: Even): TuneInput {
  const rates = new Map(groups.map((g) => [g.name, 1]));
  return { ...input, model, groups, stages: [{ epochs, rates }] };
}

/** Trains layer groups together and at one rate: `tune` without a strategy. */
export const tuneEvenly = (input: Even): Promise<Tuned> =>
  tune(inOneStage(input));
