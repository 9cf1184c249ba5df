import { z } from "zod";
import { UsageError } from "#core";
import { accuracyOf, evaluate, type Model, pooled } from "#model";
import { type FloatTensor, type Graph, readNames } from "#onnx";
import { defineMend } from "./repair.ts";
import { trainingParams, trainOn } from "./train.ts";

/**
 * Fine-pruning (Liu, Dolan-Gavitt and Garg 2018, arXiv:1805.12185): the channels of
 * the last convolution that clean samples excite least are pruned, least first,
 * while clean accuracy falls by at most `drop`; then the model is trained on with
 * these channels held at 0. A backdoor lives in channels that clean samples do not
 * use. The bound is that of BackdoorBench.
 */
export const finePruning = defineMend({
  id: "fine-pruning",
  title: "Fine-pruning",
  summary:
    "Prunes the channels of the last convolution that clean samples use least, then trains on.",
  caution:
    "It counts on a backdoor that has channels of its own: one that shares them with clean samples survives. It needs a convolution.",
  reference: "Liu et al. 2018, arXiv:1805.12185",
  params: z.strictObject({
    ...trainingParams,
    drop: z.number().min(0).max(1).default(0.1).describe("of clean accuracy"),
  }),
  check: lastConvolution,
  async mend({ model, clean, engine, params, random, signal }) {
    const layer = lastConvolution(model);
    const [seen] = await evaluate(model, engine, clean.x, (b) => [
      pooled(b, b.op("Relu", [layer.value])),
    ]);
    const order = byMean(seen as FloatTensor);
    const accuracy = (pruned: number) =>
      accuracyOf(
        without(model, layer.weights, order.slice(0, pruned)),
        clean,
        engine,
      );
    const least = (await accuracy(0)) - params.drop;
    let pruned = 0;
    // A channel is left, or there were nothing to train.
    while (pruned + 1 < order.length && (await accuracy(pruned + 1)) >= least)
      pruned++;
    const gone = order.slice(0, pruned);
    return trainOn(
      without(model, layer.weights, gone),
      clean,
      {
        ...params,
        signal,
        afterStep(weights) {
          for (const name of layer.weights) {
            const weight = weights.get(name);
            if (weight) clear(weight.data, order.length, gone);
          }
        },
      },
      engine,
      random,
    );
  },
});

/**
 * The last convolution: its constants with an entry for each channel, those of a
 * normalisation behind it among them, and the value that comes out.
 */
function lastConvolution({ graph }: Model): {
  value: string;
  weights: string[];
} {
  const convolution = graph.nodes.findLast((n) => n.op === "Conv");
  if (!convolution)
    throw new UsageError(
      "REPAIR_INPUT",
      "fine-pruning prunes channels of a convolution, the model has none",
      "Use another repair, such as fine-tuning.",
    );
  const [out = ""] = convolution.outputs;
  const normalised = graph.nodes.find(
    (n) => n.op === "BatchNormalization" && readNames(n)[0] === out,
  );
  const named = [
    ...convolution.inputs.slice(1),
    ...(normalised ? normalised.inputs.slice(1, 3) : []),
  ];
  return {
    value: normalised?.outputs[0] ?? out,
    weights: named.filter((name) => isFloats(graph, name)),
  };
}

const isFloats = ({ constants }: Graph, name: string): boolean =>
  constants.get(name)?.type === "float32";

/** Channels from the least to the most excited one. */
function byMean({ data, dims: [n = 0, channels = 0] }: FloatTensor): number[] {
  const means = new Float64Array(channels);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < channels; c++)
      means[c] = means[c]! + data[i * channels + c]! / n;
  return [...means.keys()].sort((a, b) => means[a]! - means[b]!);
}

/** The model with some channels of weights at 0. */
function without(
  model: Model,
  names: readonly string[],
  channels: readonly number[],
): Model {
  const constants = new Map(model.graph.constants);
  for (const name of names) {
    const weight = constants.get(name) as FloatTensor;
    const data = weight.data.slice();
    clear(data, weight.dims[0] ?? 1, channels);
    constants.set(name, { ...weight, data });
  }
  return { ...model, graph: { ...model.graph, constants } };
}

function clear(
  data: Float32Array,
  all: number,
  channels: readonly number[],
): void {
  const size = data.length / all;
  for (const c of channels) data.fill(0, c * size, (c + 1) * size);
}
