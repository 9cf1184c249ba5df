import type { Random } from "#core";
import { floats, type Graph, int64s, sizeOf, tensor } from "#onnx";
import type { Input } from "./compiled.ts";
import { embeddingTable } from "./integers.ts";
import type { Model } from "./model.ts";

/**
 * Random samples as a model takes them: numbers in the middle of its bounds, or texts
 * without padding.
 */
export function randomSamples(
  model: Pick<Model, "graph" | "input" | "contract" | "embedding">,
  n: number,
  random: Random,
): Input {
  const { graph, contract, embedding } = model;
  const dims = [n, ...contract.shape];
  if (embedding !== undefined)
    return randomTokens(graph, model.input, { dims, embedding, random });
  const [low, high] = contract.bounds;
  return floats(
    dims,
    Float32Array.from(
      { length: sizeOf(dims) },
      () => low + (high - low) * (0.2 + 0.6 * random.uniform()),
    ),
  );
}

/** Token 0 fills up short texts. A text of others is all seen. */
function randomTokens(
  graph: Graph,
  input: string,
  {
    dims,
    embedding,
    random,
  }: { dims: number[]; embedding: string; random: Random },
): Input {
  const known = embeddingTable(graph, embedding)?.dims[0] ?? 2;
  const ids = Array.from(
    { length: sizeOf(dims) },
    () => 1 + random.below(Math.max(1, known - 1)),
  );
  const { type } = graph.inputs.find((i) => i.name === input) ?? {};
  return type === "int32"
    ? tensor("int32", dims, Int32Array.from(ids))
    : int64s(ids, dims);
}
