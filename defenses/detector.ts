import { z } from "zod";
import type { Chosen } from "#core";
import type { Model } from "#model";
import type { FloatTensor, Graph, GraphBuilder } from "#onnx";
import type { Fitted } from "./fit.ts";
import type { ReactiveDefense } from "./reactive.ts";
import type { Sanitizer } from "./sanitizer.ts";

/**
 * What the score of a detector is made of: the input that reaches it, and what the
 * model without any defence makes of that.
 */
export interface DetectorParts {
  readonly b: GraphBuilder;
  /** The input, [N, ...shape]. */
  readonly x: string;
  /** What the model says of it, [N, classes]. */
  readonly logits: string;
  /** The model, whose values are there by their names. */
  readonly model: Model;
  /** A tensor that `fit` found. */
  fitted(name: string): FloatTensor;
  /**
   * What the model says of other inputs of the same shape.
   *
   * @param copies how many rows of x stand for each row of the batch, one
   *   batch after the other
   */
  again(x: string, copies?: number): string;
  /**
   * Adds a graph that was made from the model's once more, at another input of the same
   * rows; gives the names of its values.
   */
  copy(graph: Graph, x: string): (name: string) => string;
  /**
   * The input as a sanitizer makes it, which may use what `fit` found but draw
   * nothing at random.
   */
  sanitised<S extends z.ZodObject>(
    unit: Sanitizer<S>,
    params: z.output<S>,
  ): string;
}

/**
 * A reactive defence: a score that is high where an input is suspicious,
 * and a threshold.
 */
export interface Detector<S extends z.ZodObject = z.ZodObject>
  extends ReactiveDefense<S> {
  readonly kind: "detector";
  /** Adds its nodes and returns the score [N]. */
  build(parts: DetectorParts, params: z.output<S>): string;
}

/** What every detector is told besides its own parameters. */
export const detectorParams = {
  fpr: z
    .number()
    .positive()
    .max(0.5)
    .default(0.05)
    .describe(
      "share of clean validation samples that the threshold lets be flagged",
    ),
  policy: z
    .enum(["reject", "sanitise"])
    .default("reject")
    .describe(
      "what is done with what it flags: refuse it an answer, or sanitise it by what comes next in the defence",
    ),
};

type DetectorParams = z.ZodObject<typeof detectorParams>;

/** Declares a detector. */
export function defineDetector<S extends DetectorParams>(
  detector: Omit<Detector<S>, "kind">,
): Detector<S> {
  // A score is of a sample as a whole.
  const needs = [...(detector.needs ?? []), "one answer" as const];
  return { kind: "detector", ...detector, needs };
}

/** A detector with its parameters, and with what its fit and its calibration found. */
export interface ChosenDetector extends Chosen<Detector> {
  readonly fitted?: Fitted;
}
