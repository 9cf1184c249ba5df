import type { z } from "zod";
import { type Chosen, type Explained, type Random, UsageError } from "#core";
import type { LayerGroup, Model } from "#model";

/** A part of a training in which the same layer groups are trained. */
export interface Stage {
  readonly epochs: number;
  /**
   * Name of each trained layer group, with its learning rate as a multiple of the
   * stated one. The others are frozen.
   */
  readonly rates: ReadonlyMap<string, number>;
}

/** A model in the shape in which it is trained, and the way back. */
export interface Form {
  readonly model: Model;
  /** What may be trained of it, from input to output. The last is the head. */
  readonly groups: readonly LayerGroup[];
  /**
   * The model that is shipped.
   *
   * @param tuned `model` after the training
   * @param probed `model` as it was when the last stage began
   */
  restore(tuned: Model, probed: Model): Model;
}

/** How a candidate is fine-tuned. */
export interface Strategy<S extends z.ZodObject = z.ZodObject>
  extends Explained {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  readonly params: S;
  /**
   * The form in which the model is trained, where it is another one: fewer
   * weights, or other ones. Draws new weights from `random`.
   */
  form?(
    model: Model,
    groups: readonly LayerGroup[],
    params: z.output<S>,
    random: Random,
  ): Form;
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

/** The form in which a strategy trains a model. */
export const formOf = (
  { unit, params }: Chosen<Strategy>,
  model: Model,
  groups: readonly LayerGroup[],
  random: Random,
): Form =>
  unit.form?.(model, groups, params, random) ?? {
    model,
    groups,
    restore: (tuned) => tuned,
  };

export function defineStrategy<S extends z.ZodObject>(
  strategy: Strategy<S>,
): Strategy<S> {
  return strategy;
}

/**
 * The same rate for all of these groups, as a multiple of the stated learning rate.
 *
 * @example
 * ```ts
 * import { evenly } from "assay/units";
 *
 * const head = { name: "head", parameters: ["head.weight"], size: 640 };
 * console.log(evenly([head], 0.1)); // Map(1) { 'head' => 0.1 }
 * ```
 */
export const evenly = (
  groups: readonly LayerGroup[],
  rate = 1,
): Map<string, number> => new Map(groups.map((g) => [g.name, rate]));

/** The head alone for a share of the epochs, then everything at a rate. */
export function probeThenAll(
  strategy: string,
  groups: readonly LayerGroup[],
  epochs: number,
  probe: number,
  rate: number,
): Stage[] {
  if (epochs < 2) throw tooFewEpochs(strategy, 2, epochs);
  const first = Math.min(epochs - 1, Math.max(1, Math.round(probe * epochs)));
  return [
    { epochs: first, rates: evenly(groups.slice(-1)) },
    { epochs: epochs - first, rates: evenly(groups, rate) },
  ];
}

/** Stages with the epochs shared out evenly. The last ones get what is left over. */
export function epochsOver(
  strategy: string,
  stages: readonly Omit<Stage, "epochs">[],
  epochs: number,
): Stage[] {
  const count = stages.length;
  if (epochs < count) throw tooFewEpochs(strategy, count, epochs);
  return stages.map((stage, i) => ({
    ...stage,
    epochs:
      Math.floor((epochs * (i + 1)) / count) - Math.floor((epochs * i) / count),
  }));
}

const tooFewEpochs = (strategy: string, needed: number, epochs: number) =>
  new UsageError(
    "STRATEGY_EPOCHS",
    `strategy "${strategy}" needs ${needed} epochs, one for each of its stages; the candidate has ${epochs}`,
    "Raise epochs.",
  );

/**
 * Each group's rate is the next one's divided by `decay`. The head has the full rate.
 */
export const discriminatively = (
  groups: readonly LayerGroup[],
  decay: number,
): Map<string, number> =>
  new Map(groups.map((g, i) => [g.name, decay ** -(groups.length - 1 - i)]));
