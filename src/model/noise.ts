import { z } from "zod";
import type { Random } from "#core";
import {
  type FloatTensor,
  float,
  floats,
  type Graph,
  GraphBuilder,
  sizeOf,
} from "#onnx";

/**
 * An input of a graph that is fed with numbers drawn anew for every
 * sample of every run.
 */
export interface NoiseInput {
  readonly name: string;
  /** Standard normal, or uniform in [0, 1). */
  readonly distribution: "normal" | "uniform";
  /** Of one sample, without the batch. */
  readonly dims: readonly number[];
}

export const noiseSchema = z.array(
  z.object({
    name: z.string(),
    distribution: z.enum(["normal", "uniform"]),
    dims: z.array(z.int()),
  }),
);

/**
 * What the noise inputs of a model are fed with: each row draws from a
 * generator of its own, so that batching changes nothing.
 *
 * @param streams one generator a row; each moves on
 */
export function drawNoise(
  inputs: readonly NoiseInput[],
  streams: readonly Random[],
): Record<string, FloatTensor> {
  const tensors = inputs.map(({ dims }) =>
    floats(
      [streams.length, ...dims],
      new Float32Array(streams.length * sizeOf(dims)),
    ),
  );
  streams.forEach((stream, row) => {
    inputs.forEach(({ distribution, dims }, k) => {
      const { data } = tensors[k]!;
      const width = sizeOf(dims);
      for (let i = row * width; i < (row + 1) * width; i++)
        data[i] =
          distribution === "normal" ? stream.normal() : stream.uniform();
    });
  });
  return Object.fromEntries(inputs.map(({ name }, k) => [name, tensors[k]!]));
}

/**
 * The graph with its noise drawn inside, by seeded nodes under the names of the
 * inputs, so that anything can run it. They draw other numbers than Assay feeds.
 *
 * @param input the input whose first dimension is the batch
 */
export function noiseInside(
  graph: Graph,
  noise: readonly NoiseInput[],
  input: string,
): Graph {
  if (noise.length === 0) return graph;
  const names = new Set(noise.map(({ name }) => name));
  const b = new GraphBuilder(
    {
      ...graph,
      inputs: graph.inputs.filter(({ name }) => !names.has(name)),
      nodes: [],
    },
    "noise/",
  );
  const batch = b.slice(b.shapeOf(input), [0], [1], [0]);
  noise.forEach(({ name, distribution, dims }, k) => {
    const like = b.expand(
      b.scalar(0),
      b.concat(dims.length === 0 ? [batch] : [batch, b.ints(dims)], 0),
    );
    b.op(
      distribution === "normal" ? "RandomNormalLike" : "RandomUniformLike",
      [like],
      // Two nodes of one seed would draw the same.
      { seed: float(k + 1) },
      name,
    );
  });
  for (const node of graph.nodes) b.append(node);
  return b.build();
}

/** Undoes `noiseInside`: what such nodes drew becomes inputs again. */
export function noiseOutside(
  graph: Graph,
  noise: readonly NoiseInput[],
  batch: string,
): Graph {
  const names = new Set(noise.map(({ name }) => name));
  return {
    ...graph,
    inputs: [
      ...graph.inputs,
      ...noise.map(({ name, dims }) => ({
        name,
        type: "float32" as const,
        dims: [batch, ...dims],
      })),
    ],
    nodes: graph.nodes.filter(
      ({ outputs }) => !outputs.some((o) => names.has(o)),
    ),
  };
}
