import { type LayerGroup, layerGroups } from "#model";
import type { Tuned, TuneInput } from "./training.ts";
import { tune } from "./tune.ts";

/**
 * Trains layer groups, all when left out, together and at one rate: `tune`
 * without a strategy.
 */
export function tuneEvenly({
  model,
  epochs,
  groups = layerGroups(model.graph),
  ...input
}: Omit<TuneInput, "groups" | "stages"> & {
  readonly epochs: number;
  readonly groups?: readonly LayerGroup[];
}): Promise<Tuned> {
  const rates = new Map(groups.map((g) => [g.name, 1]));
  return tune({ ...input, model, groups, stages: [{ epochs, rates }] });
}
