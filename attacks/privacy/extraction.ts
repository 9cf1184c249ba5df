import { z } from "zod";
import type { Random } from "#core";
import type { Engine } from "#engine";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";
import type { TrialAttack } from "../trial.ts";

/** What a thief has. */
export interface ExtractionInput<P> {
  /** What the victim answers: probabilities [N, classes] for inputs [N, ...shape]. */
  ask(x: FloatTensor): Promise<FloatTensor>;
  /** How many inputs he may ask about in all. */
  readonly count: number;
  /**
   * Public inputs of another task, [M, ...shape], at least `count`; for
   * attacks that train.
   */
  readonly inputs: FloatTensor;
  /** The network that he may train, with outputs for the victim's classes. */
  readonly start: Model;
  readonly params: P;
  readonly engine: Engine;
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/** What every extraction is tried with. */
export const extractionParams = {
  budgets: z
    .array(z.int().positive())
    .min(1)
    .default([50, 100, 200, 500, 1000])
    .describe("how many queries the thief may make"),
};

/** An attack that copies a model by asking it. */
export interface Extraction<S extends z.ZodObject = z.ZodObject>
  extends TrialAttack<S> {
  readonly kind: "extraction";
  /** Whether it trains `start`, so that it matters what that is. */
  readonly trains: boolean;
  /** A model with the victim's inputs and classes. */
  steal(input: ExtractionInput<z.output<S>>): Promise<Model>;
}

/** Declares an extraction. */
export const defineExtraction = <S extends z.ZodObject>(
  unit: Omit<Extraction<S>, "kind" | "taxonomy">,
): Extraction<S> => ({
  kind: "extraction",
  taxonomy: {
    atlas: ["AML.T0024.002", "AML.T0005.001", "AML.T0048.004"],
    owasp: ["ML05:2023"],
    nist: ["NISTAML.031"],
  },
  ...unit,
});
