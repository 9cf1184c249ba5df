import { z } from "zod";
import type { Random } from "#core";
import { type Dataset, dataset } from "#data";
import type { Engine } from "#engine";
import type { FeatureMap, Model } from "#model";
import { type FloatTensor, withRows } from "#onnx";
import type { TrialAttack } from "../trial.ts";

const budgets = z
  .array(z.number().positive())
  .min(1)
  .describe("how many samples: a count, or below 1 a share of them all");

/** What every poisoning is tried with that is meant to cost accuracy. */
export const poisoningParams = {
  budgets: budgets
    .default([0.01, 0.05, 0.1, 0.2, 0.4])
    .describe("how many samples: a count, or below 1 a share of them all"),
};

/** What every poisoning is tried with that is meant for single samples. */
export const targetedParams = {
  budgets: budgets
    .default([1, 2, 5, 10])
    .describe("how many samples: a count, or below 1 a share of them all"),
  targets: z
    .int()
    .positive()
    .default(10)
    .describe("how many test samples are aimed at, one fine-tuning each"),
  from: z
    .string()
    .optional()
    .describe("class of the test samples that are aimed at; any when left out"),
  to: z
    .string()
    .optional()
    .describe("class that they should get; drawn for each when left out"),
};

/** Whose features an attacker of the base looks at. */
export const throughParam = z
  .enum(["base", "surrogate"])
  .default("base")
  .describe(
    "the public base, or a model that the attacker tuned from it at home",
  );

/** Samples of the fine-tuning set as a poisoner leaves them. */
export interface Poison {
  /** Rows of the set, each once. */
  readonly rows: readonly number[];
  /** What stands there instead, [rows, ...]. */
  readonly x: FloatTensor;
  readonly y: Int32Array;
}

/** What a poisoner works on. */
export interface PoisoningInput<P> {
  /** The data that the victim will be fine-tuned on. */
  readonly train: Dataset;
  /** How many of its samples the poisoner may change. */
  readonly count: number;
  readonly params: P;
  /**
   * The same for every count, so that larger poisonings hold the smaller ones where
   * draws come in order.
   */
  readonly random: Random;
  readonly engine: Engine;
  /** Lowest and highest value of an input. */
  readonly bounds: readonly [number, number];
  /**
   * Features where the victim's head reads them, of the public base or
   * of the surrogate.
   */
  features(of: "base" | "surrogate"): Promise<FeatureMap>;
  /**
   * What the attacker tunes at home as the victim does, from the same base and clean
   * data, by another seed.
   */
  surrogate(): Promise<Model>;
  /**
   * Called between steps with the share that is done; throws when the
   * run is interrupted.
   */
  readonly onProgress: (share: number) => void;
}

/** A sample that the victim is to take for another class. */
export interface Aim {
  /** [1, ...] */
  readonly x: FloatTensor;
  /** The class that it should get. */
  readonly to: number;
}

/**
 * An attack that changes some samples of the fine-tuning set, so that the victim is
 * worse on all, or on one class.
 */
export interface Poisoning<S extends z.ZodObject = z.ZodObject>
  extends TrialAttack<S> {
  readonly kind: "poisoning";
  /**
   * The class whose samples should be taken for another, where it is
   * meant for one class.
   */
  confuses?(params: z.output<S>, train: Dataset): { from: number; to: number };
  /** At most `count` samples, changed. */
  poison(input: PoisoningInput<z.output<S>>): Promise<Poison>;
}

/**
 * An attack that changes some samples of the fine-tuning set, so that one other sample
 * gets a class of the attacker's choice.
 */
export interface TargetedPoisoning<S extends z.ZodObject = z.ZodObject>
  extends TrialAttack<S> {
  readonly kind: "targeted-poisoning";
  /** At most `count` samples, changed; with the labels that they had. */
  poison(input: PoisoningInput<z.output<S>> & { aim: Aim }): Promise<Poison>;
}

/** Declares a poisoning. */
export const definePoisoning = <S extends z.ZodObject>(
  unit: Omit<Poisoning<S>, "kind" | "needs">,
): Poisoning<S> => ({
  kind: "poisoning",
  needs: ["tuning", "one class", "samples"],
  ...unit,
});

/** Declares a poisoning that is meant for single samples. */
export const defineTargetedPoisoning = <S extends z.ZodObject>(
  unit: Omit<TargetedPoisoning<S>, "kind" | "needs">,
): TargetedPoisoning<S> => ({
  kind: "targeted-poisoning",
  needs: ["tuning", "one class", "samples", "numbers", "free inputs"],
  ...unit,
});

/** The fine-tuning set with poison in it. */
export function poisoned(train: Dataset, { rows, x, y }: Poison): Dataset {
  const labels = Int32Array.from(train.y);
  rows.forEach((row, i) => {
    labels[row] = y[i]!;
  });
  return dataset(
    train.name,
    withRows(train.x, [{ rows, x }]),
    labels,
    train.classes,
    undefined,
    train.table,
    train.texts,
  );
}
