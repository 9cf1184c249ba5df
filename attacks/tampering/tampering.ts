import { z } from "zod";
import { numberOrFraction, type Random } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import { layerGroups, type Model } from "#model";
import { copyOf, type FloatTensor } from "#onnx";
import type { TrialAttack } from "../trial.ts";

/** The budget of attacks on inputs, by which a trial measures robustness. */
export const budgetSchema = z.strictObject({
  norm: z
    .enum(["linf", "l2", "l1"])
    .default("linf")
    .describe("norm of the adversarial examples"),
  eps: numberOrFraction
    .pipe(z.number().positive())
    .default(0.1)
    .describe("their size, in the unit of the input bounds"),
  steps: z
    .int()
    .positive()
    .default(20)
    .describe("steps of the attack that makes them"),
});

/** What every tampering can be told. */
export const tamperingParams = {
  examples: budgetSchema
    .prefault({})
    .describe("made on the released model and replayed, and made anew"),
};

/** What is done to a released model. */
export interface TamperingInput<P> {
  readonly model: Model;
  /** What the model was tuned from; there where a unit needs it. */
  readonly base?: Model | null;
  /** How much, as `levels` says. */
  readonly level: number;
  /** Clean samples that whoever does it has: to calibrate, or to choose by. */
  readonly data: Dataset;
  readonly engine: Engine;
  readonly params: P;
  readonly random: Random;
}

/** A change of the released weights, by an attacker or by deployment. */
export interface Tampering<S extends z.ZodObject = z.ZodObject>
  extends TrialAttack<S> {
  readonly kind: "tampering";
  /** What a level counts, such as "flipped bits". */
  readonly unit: string;
  /** In any order. */
  levels(params: z.output<S>): readonly number[];
  /** The same without aim, by whose levels it is judged; none where nobody aims. */
  readonly control?: Tampering;
  tamper(input: TamperingInput<z.output<S>>): Promise<Model>;
}

/** Declares a tampering. */
export const defineTampering = <S extends z.ZodObject>(
  unit: Omit<Tampering<S>, "kind">,
): Tampering<S> => ({
  kind: "tampering",
  ...unit,
  needs: ["numbers", "gradient", ...(unit.needs ?? [])],
});

/** A model whose weights, each a copy, were changed in place. */
export function withChangedWeights(
  model: Model,
  change: (weight: Float32Array, name: string) => void,
): Model {
  const constants = new Map(model.graph.constants);
  for (const name of layerGroups(model.graph).flatMap((g) => g.parameters)) {
    const copy = copyOf(constants.get(name) as FloatTensor);
    change(copy.data, name);
    constants.set(name, copy);
  }
  return { ...model, graph: { ...model.graph, constants } };
}
