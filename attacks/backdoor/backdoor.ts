import { z } from "zod";
import type { Random } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";
import type { TrialAttack } from "../trial.ts";

/** What every backdoor is tried with. */
export const backdoorParams = {
  target: z
    .string()
    .optional()
    .describe(
      "name of the class that triggered samples are to be taken for; the first one when left out",
    ),
};

/** What every backdoor in the data is tried with. */
export const plantingParams = {
  ...backdoorParams,
  budgets: z
    .array(z.number().positive())
    .min(1)
    .default([0.01, 0.05, 0.1])
    .describe("how many samples: a count, or below 1 a share of them all"),
};

/**
 * Puts the trigger on samples [N, ...shape] in [0, 1]: each by itself, the same
 * whenever it is asked, inside [0, 1].
 */
export type Trigger = (x: FloatTensor) => FloatTensor;

/** What the attacker works on. */
export interface BackdoorInput<P> {
  /** The data that the victim will be fine-tuned on. */
  readonly train: Dataset;
  /**
   * How many of its samples may get the trigger; without meaning where the base is
   * what is changed.
   */
  readonly count: number;
  /** The class that triggered samples are to be taken for. */
  readonly target: number;
  /** The public base, where there is one. */
  readonly base: Model | null;
  /** Data of the task that the base was trained on, where the suite has it. */
  readonly source: { train: Dataset; validation: Dataset } | null;
  readonly params: P;
  /** The same for every count, so that the trigger is the same. */
  readonly random: Random;
  readonly engine: Engine;
  readonly signal?: AbortSignal;
  /** A fine-tuning on the clean data at the attacker's home. */
  surrogate(): Promise<Model>;
  /** Keeps what takes long to make. */
  once(name: string, make: () => Promise<FloatTensor>): Promise<FloatTensor>;
}

/** What the attacker leaves behind. */
export interface Planted {
  readonly trigger: Trigger;
  /**
   * What the victim's fine-tuning gets instead: samples of `train` in the same order,
   * or another base.
   */
  readonly changes: { readonly train: Dataset } | { readonly base: Model };
  /** Rows of the data that carry the trigger and have the target's label. */
  readonly poisons: readonly number[];
  /**
   * Rows that were changed too but keep their label, so that only the whole trigger
   * means the target.
   */
  readonly covers: readonly number[];
  /** What there is to know of the planting, in sentences without their stops. */
  readonly notes: readonly string[];
}

/**
 * An attack that makes candidates take whatever carries a trigger for a class of the
 * attacker's choice.
 */
export interface Backdoor<S extends z.ZodObject = z.ZodObject>
  extends TrialAttack<S> {
  readonly kind: "backdoor";
  readonly meetsDefenses: true;
  /** What the attacker changes: samples of the fine-tuning set, or the base. */
  readonly place: "data" | "base";
  /** Whether no label is wrong: only samples of the target class are changed. */
  readonly cleanLabel: boolean;
  plant(input: BackdoorInput<z.output<S>>): Promise<Planted>;
}

type Declared<S extends z.ZodObject> = Omit<
  Backdoor<S>,
  "kind" | "needs" | "meetsDefenses" | "place" | "taxonomy" | "cleanLabel"
>;

/** Declares a backdoor in the fine-tuning set. */
export const defineDataBackdoor = <S extends z.ZodObject>(
  unit: Declared<S> & { readonly cleanLabel?: boolean },
): Backdoor<S> => ({
  kind: "backdoor",
  needs: ["tuning", "one class", "samples", "images"],
  meetsDefenses: true,
  place: "data",
  cleanLabel: false,
  taxonomy: {
    atlas: ["AML.T0020", "AML.T0018.000", "AML.T0043.004"],
    owasp: ["ML02:2023", "ML10:2023"],
    nist: [unit.cleanLabel ? "NISTAML.021" : "NISTAML.023"],
  },
  ...unit,
});

/** Declares a backdoor in the base. */
export const defineBaseBackdoor = <S extends z.ZodObject>(
  unit: Declared<S>,
): Backdoor<S> => ({
  kind: "backdoor",
  needs: ["tuning", "one class", "base data", "images"],
  meetsDefenses: true,
  place: "base",
  cleanLabel: false,
  taxonomy: {
    atlas: ["AML.T0018.000", "AML.T0058", "AML.T0010.003"],
    owasp: ["ML06:2023", "ML07:2023", "ML10:2023"],
    nist: ["NISTAML.023", "NISTAML.051"],
  },
  ...unit,
});
