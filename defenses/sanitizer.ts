import type { z } from "zod";
import type { Model } from "#model";
import { type GraphBuilder, prepend } from "#onnx";

/** A reactive defence: a graph that is put in front of a model. */
export interface Sanitizer<S extends z.ZodObject = z.ZodObject> {
  readonly kind: "sanitizer";
  readonly id: string;
  readonly title: string;
  /** Authors, year and arXiv id. */
  readonly reference: string;
  readonly params: S;
  /**
   * How an adaptive attack differentiates it: "exact" by its own gradient,
   * "straight-through" as if it were the identity (BPDA).
   */
  readonly gradient: "exact" | "straight-through";
  /** Adds its nodes; x is [N, ...shape] within the model's bounds, and so is the result. */
  build(b: GraphBuilder, x: string, params: z.output<S>, model: Model): string;
}

/** Declares a sanitizer. */
export function defineSanitizer<S extends z.ZodObject>(
  sanitizer: Omit<Sanitizer<S>, "kind">,
): Sanitizer<S> {
  return { kind: "sanitizer", ...sanitizer };
}

/** A sanitizer with its parameters. */
export interface ChosenSanitizer {
  readonly unit: Sanitizer;
  readonly params: Record<string, unknown>;
}

/**
 * The model behind its sanitizers, the first in the list nearest the input.
 * The result is an ordinary model: it can be attacked, saved and run anywhere.
 */
export function defend(
  model: Model,
  sanitizers: readonly ChosenSanitizer[],
): Model {
  let defended = model;
  // Each is put before what is already there, so the last goes first.
  for (const { unit, params } of [...sanitizers].reverse()) {
    const { input, straightThrough } = defended;
    const { graph, value } = prepend(
      defended.graph,
      input,
      `defense/${unit.id}/`,
      (b, x) => unit.build(b, x, params, model),
    );
    // Inside, what was read from the input is now read from the sanitizer.
    const moved = straightThrough.map((s) =>
      s.input === input ? { ...s, input: value } : s,
    );
    const passed = unit.gradient === "exact" ? [] : [{ input, output: value }];
    defended = { ...defended, graph, straightThrough: [...moved, ...passed] };
  }
  return defended;
}
