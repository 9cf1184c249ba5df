import { type GradientOptions, gradient } from "#autodiff";
import { AssayError } from "#core";
import type { Differentiated, Engine, LoadOptions } from "#engine";
import type { Graph } from "#onnx";
import type { Model } from "./model.ts";

/**
 * A graph together with the gradients of one of its values, ready to run: by
 * the engine's own means where it has them, else by a gradient graph.
 *
 * @returns the session, whose outputs are those of the graph and the gradients, the
 *   name of each gradient, and the graph of both, where there is one
 * @throws GRADIENT_UNSUPPORTED, GRADIENT_NO_PATH (see `gradient`), ENGINE_LOAD
 */
export async function loadGradient(
  engine: Engine,
  graph: Graph,
  request: Pick<GradientOptions, "of" | "wrt" | "straightThrough">,
  options?: LoadOptions,
): Promise<Differentiated & { graph?: Graph }> {
  if (engine.differentiate)
    return engine.differentiate(graph, request, options);
  const result = gradient(graph, { ...request, avoid: engine.avoid });
  return {
    ...result,
    session: await engine.load(result.graph, options),
  };
}

/**
 * A graph of a model with the gradient of the sum of one of its values with
 * respect to the input, as nodes that run on any device.
 *
 * @throws GRADIENT_UNSUPPORTED, GRADIENT_NO_PATH (see `gradient`)
 */
export function withInputGradient(
  graph: Graph,
  of: string,
  { input, straightThrough }: Pick<Model, "input" | "straightThrough">,
): { graph: Graph; gradient: string } {
  const avoid = ["MaxPool indices"] as const;
  const made = gradient(graph, { of, wrt: [input], straightThrough, avoid });
  return { graph: made.graph, gradient: made.gradients.get(input) as string };
}

/** Whether there is no gradient, or none that can be taken. */
export const isAboutGradients = (error: unknown): error is AssayError =>
  error instanceof AssayError &&
  ["GRADIENT_NO_PATH", "GRADIENT_UNSUPPORTED"].includes(error.code);

/** Why a model has no gradient to follow; null where it has one. */
export function whyNoGradient(model: Model): string | null {
  const { graph, logits, input, embedding = input } = model;
  try {
    withInputGradient(graph, logits, { ...model, input: embedding });
    return null;
  } catch (error) {
    if (isAboutGradients(error)) return error.message;
    throw error;
  }
}
