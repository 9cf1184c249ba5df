import type { z } from "zod";
import type { LayerGroup } from "#model";

/** A part of a training in which the same layer groups are trained. */
export interface Stage {
  readonly epochs: number;
  /** Name of each trained layer group, with its learning rate as a multiple of the stated one. The others are frozen. */
  readonly rates: ReadonlyMap<string, number>;
}

/** How a candidate is fine-tuned. */
export interface Strategy<S extends z.ZodObject = z.ZodObject> {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  /**
   * @param groups layer groups from input to output; the last is the head
   * @param epochs epochs of the whole training
   */
  stages(
    groups: readonly LayerGroup[],
    epochs: number,
    params: z.output<S>,
  ): Stage[];
}

export function defineStrategy<S extends z.ZodObject>(
  strategy: Strategy<S>,
): Strategy<S> {
  return strategy;
}

/** The same rate for all of these groups. */
export const evenly = (groups: readonly LayerGroup[]): Map<string, number> =>
  new Map(groups.map((g) => [g.name, 1]));

/** Each group's rate is the next one's divided by `decay`; the head has the full rate. */
export const discriminatively = (
  groups: readonly LayerGroup[],
  decay: number,
): Map<string, number> =>
  new Map(groups.map((g, i) => [g.name, decay ** -(groups.length - 1 - i)]));
