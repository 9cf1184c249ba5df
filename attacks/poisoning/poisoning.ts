import { z } from "zod";
import type { Random } from "#core";
import type { Dataset } from "#data";
import type { TrialUnit } from "../trial.ts";

/** What every poisoning is tried with. */
export const poisoningParams = {
  budgets: z
    .array(z.number().positive())
    .min(1)
    .default([0.01, 0.05, 0.1, 0.2, 0.4])
    .describe("how many samples: a count, or below 1 a share of them all"),
};

/** What a poisoner works on. */
export interface PoisoningInput<P> {
  /** The data that the victim will be fine-tuned on. */
  readonly train: Dataset;
  /** How many of its samples the poisoner may change. */
  readonly count: number;
  readonly params: P;
  readonly random: Random;
}

/** An attack that changes some samples of the fine-tuning set. */
export interface Poisoning<S extends z.ZodObject = z.ZodObject>
  extends TrialUnit<S> {
  readonly kind: "poisoning";
  readonly needsTuning: true;
  /** The data with at most `count` of its samples changed, in the same order. */
  poison(input: PoisoningInput<z.output<S>>): Promise<Dataset>;
}

/** Declares a poisoning. */
export const definePoisoning = <S extends z.ZodObject>(
  unit: Omit<Poisoning<S>, "kind" | "needsTuning">,
): Poisoning<S> => ({ kind: "poisoning", needsTuning: true, ...unit });
