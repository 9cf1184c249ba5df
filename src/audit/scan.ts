import { AssayError } from "#core";
import { readGraph } from "#model";
import type { Graph } from "#onnx";
import type { Check } from "./results.ts";
import { checkOf } from "./scan/check.ts";
import { staticChecks } from "./scan/static.ts";

/** What a look at a base found. */
export interface Scan {
  readonly file: string;
  readonly checks: readonly Check[];
  /** A sentence each: what was seen and decides nothing, and what could not be looked at. */
  readonly notes: readonly string[];
}

/**
 * Looks at a base before it is tuned: at its graph.
 *
 * @throws what `readGraph` and `normalise` throw
 */
export async function scanModel(file: string): Promise<Scan> {
  const { graph, check } = readWithin(file);
  return {
    file,
    checks: [check, ...(graph ? staticChecks(graph) : [])],
    notes: graph ? [] : ["The model was not read further."],
  };
}

/** The graph, and whether all of it lies in the model's folder; a path out of it is not followed. */
function readWithin(file: string): { graph: Graph | null; check: Check } {
  const looked = {
    id: "external-data",
    title: "Weights lie in the model's folder",
    otherwise: "failed",
    clean: "Nothing is read from outside the folder of the model.",
  } as const;
  try {
    const graph = readGraph(file);
    return { graph, check: checkOf(looked, [], "") };
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "MODEL_PATH")
      throw error;
    const found = checkOf(
      looked,
      [error.message],
      "it would read other files of the machine. Do not use the model.",
    );
    return { graph: null, check: found };
  }
}
