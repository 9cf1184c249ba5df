import { z } from "zod";
import { ballOf } from "#attacks";
import { numberOrFraction, type Random } from "#core";
import {
  type CompiledModel,
  compile,
  drawNoise,
  type Model,
  outputsOf,
} from "#model";
import {
  BATCH,
  type FloatTensor,
  GraphBuilder,
  int,
  prepend,
  takeRows,
} from "#onnx";
import {
  fittedWeights,
  freshWeights,
  type Network,
} from "../denoising/layers.ts";
import { trainWeights } from "../denoising/train.ts";
import { unet } from "../denoising/unet.ts";
import type { FitInput, Fitted } from "../fit.ts";
import { imageShape } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

const ID = "guided-denoiser";

const params = z.strictObject({
  width: z
    .int()
    .positive()
    .default(16)
    .describe("channels at full size; twice and four times as many below"),
  eps: numberOrFraction
    .pipe(z.number().positive())
    .default(16 / 255)
    .describe(
      "the largest perturbation that it is trained on, in Linf and in the unit of the input bounds",
    ),
  steps: z
    .int()
    .positive()
    .default(4)
    .describe("steps of the iterative half of the training examples"),
  epochs: z.int().positive().default(20).describe("passes over the data"),
  batchSize: z.int().positive().default(60).describe("samples of each step"),
  learningRate: z
    .number()
    .positive()
    .default(0.001)
    .describe("learning rate of the optimiser"),
});

type Params = z.output<typeof params>;

/**
 * High-level representation guided denoiser (Liao et al. 2018,
 * arXiv:1712.02976), guided by the logits: what it takes away from an
 * adversarial image is learned so that the model's logits are those of the
 * clean one, by their absolute differences. The examples are made from the
 * training data on the model itself, half by FGSM and half by some steps of
 * it, each batch of a size up to eps. Its network is smaller than the paper's
 * (three sizes instead of five, no batch normalisation), and one model
 * makes the examples where the paper has several. Behind other sanitizers the
 * examples are made of what they let through, where this one stands.
 */
export const guidedDenoiser = defineSanitizer({
  id: ID,
  title: "High-level guided denoiser",
  summary:
    "A network that has learned to take away what moves the model's logits, on adversarial examples of this model.",
  caution:
    "It learned from single-step and short attacks of one size; stronger and larger ones are beyond what it saw. Numbers against examples made without it were what its paper reports, and say nothing of an attack that knows it.",
  reference: "Liao et al. 2018, arXiv:1712.02976",
  needs: ["images"],
  params,
  gradient: "exact",
  async fit(input, chosen) {
    const { model, engine, random } = input;
    const [channels] = imageShape(ID, model.contract);
    const network = unet(channels, chosen.width);
    const weights = freshWeights(network.layers, random.fork("weights"));
    // It begins as one that takes nothing away.
    weights.get("out.weight")?.data.fill(0);
    const compiled = await compile(model, engine);
    try {
      return await guided(input, chosen, network, weights, compiled);
    } finally {
      await compiled.release();
    }
  },
  build(b, x, { width }, { contract }, parts) {
    const [channels, ...size] = imageShape(ID, contract);
    const taken = unet(channels, width).build(
      b,
      x,
      size,
      fittedWeights(b, parts),
    );
    return b.sub(x, taken);
  },
});

async function guided(
  input: FitInput,
  chosen: Params,
  network: Network,
  weights: Fitted,
  compiled: CompiledModel,
): Promise<Fitted> {
  const { model, train } = input;
  const aims = await compiled.logits(train.x);
  return trainWeights(
    {
      ...chosen,
      ...lossGraph(model, network, weights),
      weights,
      async feeds(batch, stream) {
        const y = Int32Array.from(batch, (i) => train.y[i]!);
        const x = takeRows(train.x, batch);
        return {
          [model.input]: await attackedBatch(compiled, x, y, chosen, stream),
          aim: takeRows(aims, batch),
          ...drawNoise(
            model.noise ?? [],
            batch.map((i) => stream.fork(i)),
          ),
        };
      },
    },
    input,
  );
}

/** The model behind the network, and how far its logits are from those aimed at. */
function lossGraph(model: Model, network: Network, weights: Fitted) {
  const { input, contract, straightThrough, logits } = model;
  const [, ...size] = imageShape(ID, contract);
  const { graph, value } = prepend(model.graph, input, "guided/", (b, x) => {
    for (const [name, tensor] of weights) b.constant(tensor, name);
    return b.sub(
      x,
      network.build(b, x, size, (name) => name),
    );
  });
  const b = new GraphBuilder(graph, "loss/");
  b.input({ name: "aim", type: "float32", dims: [BATCH, outputsOf(model)] });
  const apart = b.reduceSum(b.abs(b.sub(logits, "aim")), [1]);
  const loss = b.op("ReduceMean", [apart], { keepdims: int(0) });
  return {
    graph: b.build([loss]),
    loss,
    straightThrough: straightThrough.map((s) =>
      s.input === input ? { ...s, input: value } : s,
    ),
  };
}

/** A batch by FGSM, or by several steps, of a size that is drawn. */
async function attackedBatch(
  compiled: CompiledModel,
  x: FloatTensor,
  y: Int32Array,
  { eps, steps }: Params,
  stream: Random,
): Promise<FloatTensor> {
  const size = eps * stream.uniform();
  const count = stream.uniform() < 0.5 ? 1 : steps;
  const ball = ballOf("linf", size, compiled.model.contract.bounds);
  let at = x;
  for (let step = 0; step < count; step++) {
    const { gradient } = await compiled.lossGradient(at, y);
    at = ball.project(x, ball.ascend(at, gradient, size / count));
  }
  return at;
}
