import { z } from "zod";
import type { Random } from "#core";
import type { Engine } from "#engine";
import type { FloatTensor } from "#onnx";
import type { TrialAttack } from "../trial.ts";

/** Samples with their true classes, and what a model says of them. */
export interface Asked {
  /** [N, classes] */
  readonly logits: FloatTensor;
  readonly y: Int32Array;
}

/** A model that the attacker trained as the candidate was, on half of the samples. */
export interface Shadow {
  /** Of the samples [N, classes]. */
  readonly logits: FloatTensor;
  /** Of the population [Z, classes]. */
  readonly population: FloatTensor;
  /** Whether it learned from each sample. */
  readonly learned: readonly boolean[];
}

/** What the attacker has. */
export interface MembershipInput<P> {
  /** What the candidate says of the samples that are asked about. */
  readonly samples: Asked;
  /** What it says of others that nobody learned from. */
  readonly population: Asked;
  /** As many as the parameters say; each sample was learned by exactly half of them. */
  readonly shadows: readonly Shadow[];
  /**
   * What the base with a head of the attacker's says of the samples, for attacks
   * that need the base.
   */
  readonly reference: FloatTensor | null;
  readonly params: P;
  readonly engine: Engine;
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/** An attack that tells which samples a candidate learned from. */
export interface Membership<S extends z.ZodObject = z.ZodObject>
  extends TrialAttack<S> {
  readonly kind: "membership";
  /**
   * A finite score of each sample, the higher the more likely a member. The order of
   * the samples does not matter.
   */
  score(input: MembershipInput<z.output<S>>): Promise<Float64Array>;
}

/** Declares a membership inference attack. */
export const defineMembership = <S extends z.ZodObject>(
  unit: Omit<Membership<S>, "kind" | "taxonomy">,
): Membership<S> => ({
  kind: "membership",
  taxonomy: {
    atlas: ["AML.T0024.000"],
    owasp: ["ML04:2023"],
    nist: ["NISTAML.033"],
  },
  ...unit,
});

/** How many shadow models are trained. The papers take many more than an audit can. */
export const shadowCount = (count: number) =>
  z
    .int()
    .min(2)
    .multipleOf(2)
    .default(count)
    .describe(
      "models like the candidate that are trained, half of them on each sample",
    );
