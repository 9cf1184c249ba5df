import type { z } from "zod";
import type { Chosen } from "#core";
import type { Model, NoiseInput } from "#model";
import type { FloatTensor, GraphBuilder } from "#onnx";
import type { Fitted } from "./fit.ts";
import type { ReactiveDefense } from "./reactive.ts";

/** What a sanitizer is built with, besides its parameters. */
export interface Parts {
  /** A tensor that `fit` found. */
  fitted(name: string): FloatTensor;
  /**
   * Adds a value [N, ...dims] that is drawn anew for every sample of every run:
   * standard normal, or uniform in [0, 1).
   */
  draw(
    distribution: NoiseInput["distribution"],
    dims: readonly number[],
  ): string;
}

/** A reactive defence: a graph that is put in front of a model. */
export interface Sanitizer<S extends z.ZodObject = z.ZodObject>
  extends ReactiveDefense<S> {
  readonly kind: "sanitizer";
  /** Whether it draws at random, as far as its parameters let it. */
  readonly draws?: boolean;
  /**
   * How many versions of each sample it makes. The model's logits are averaged over
   * them. One when left out. Several need an exact gradient.
   */
  views?(params: z.output<S>): number;
  /**
   * Adds its nodes; x is [N, ...shape] within the model's bounds, and so is
   * the result, or nearly, or [N, views, ...shape] where there are several.
   */
  build(
    b: GraphBuilder,
    x: string,
    params: z.output<S>,
    model: Model,
    parts: Parts,
  ): string;
}

/** Declares a sanitizer. */
export function defineSanitizer<S extends z.ZodObject>(
  sanitizer: Omit<Sanitizer<S>, "kind">,
): Sanitizer<S> {
  return { kind: "sanitizer", ...sanitizer };
}

/** A sanitizer with its parameters, and with what its fit found where it has one. */
export interface ChosenSanitizer extends Chosen<Sanitizer> {
  readonly fitted?: Fitted;
}
