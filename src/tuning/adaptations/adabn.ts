import { z } from "zod";
import { AssayError, InterruptedError } from "#core";
import { forwardRows } from "#model";
import {
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  prune,
  rows,
} from "#onnx";
import { type AdaptInput, defineSourceFree } from "./adaptation.ts";

/**
 * Adaptive batch normalisation (AdaBN, Li et al. 2016, arXiv:1603.04779): mean and
 * variance of every batch normalisation are those of all target samples, from
 * input to output, each behind the layers that were adapted before it. Nothing is
 * trained.
 */
export const adabn = defineSourceFree({
  id: "adabn",
  title: "Adaptive batch normalisation (AdaBN)",
  summary:
    "Replaces the statistics of every batch normalisation by those of the target samples, and trains nothing.",
  caution:
    "A network whose exporter folded batch normalisation into its convolutions is refused. Few target samples, or ones of few classes, give statistics that are worse than those of the source.",
  reference: "Li et al. 2016, arXiv:1603.04779",
  params: z.strictObject({}),
  async adapt(input) {
    let { graph } = input.model;
    const layers = graph.nodes.filter(
      (n) =>
        n.op === "BatchNormalization" &&
        graph.constants.has(n.inputs[3] ?? "") &&
        graph.constants.has(n.inputs[4] ?? ""),
    );
    if (layers.length === 0) throw noBatchNorm("adabn");
    for (const { inputs } of layers) {
      const [x = "", , , mean = "", variance = ""] = inputs;
      const seen = await statisticsOf(graph, x, input);
      const constants = new Map(graph.constants);
      constants.set(mean, seen.mean);
      constants.set(variance, seen.variance);
      graph = { ...graph, constants };
    }
    return {
      model: { ...input.model, graph },
      history: [],
      ended: `statistics of ${layers.length} layers`,
    };
  },
});

export const noBatchNorm = (id: string) =>
  new AssayError(
    "ADAPTATION_LAYERS",
    `adaptation "${id}" finds no batch normalisation in the base`,
    "Exporters fold it into convolutions: export the base in training mode, or choose another adaptation.",
  );

/**
 * Mean and population variance of each channel of a value [N, C, ...] over
 * all target samples.
 */
async function statisticsOf(
  graph: Graph,
  value: string,
  { model, target, engine, signal }: AdaptInput,
): Promise<{ mean: FloatTensor; variance: FloatTensor }> {
  const info = new GraphBuilder(graph).info(value);
  const part = prune({ ...graph, outputs: [info] });
  const most = forwardRows(part);
  const session = await engine.load(part);
  const n = target.y.length;
  let [sums, squares] = [new Float64Array(0), new Float64Array(0)];
  let count = 0;
  try {
    for (let from = 0; from < n; from += most) {
      if (signal?.aborted) throw new InterruptedError();
      const x = rows(target.x, from, Math.min(n, from + most));
      const seen = (await session.run({ [model.input]: x }))[
        value
      ] as FloatTensor;
      const [samples = 0, channels = 0, ...rest] = seen.dims;
      const size = rest.reduce((p, d) => p * d, 1);
      if (sums.length === 0)
        [sums, squares] = [
          new Float64Array(channels),
          new Float64Array(channels),
        ];
      for (let i = 0; i < seen.data.length; i++) {
        const c = Math.floor(i / size) % channels;
        const v = seen.data[i]!;
        sums[c] = sums[c]! + v;
        squares[c] = squares[c]! + v * v;
      }
      count += samples * size;
    }
  } finally {
    await session.release();
  }
  const mean = sums.map((s) => s / count);
  const variance = squares.map((s, c) =>
    Math.max(0, s / count - mean[c]! ** 2),
  );
  return {
    mean: floats([mean.length], mean),
    variance: floats([variance.length], variance),
  };
}
