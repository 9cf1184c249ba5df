import { z } from "zod";
import {
  emptyGraph,
  type FloatTensor,
  GraphBuilder,
  int,
  takeRows,
} from "#onnx";
import {
  convolved,
  doubled,
  fittedWeights,
  freshWeights,
  halved,
  type Layer,
  type Network,
} from "../denoising/layers.ts";
import { trainWeights } from "../denoising/train.ts";
import { extended, imageShape } from "../images.ts";
import { defineSanitizer } from "../sanitizer.ts";

const params = z.strictObject({
  channels: z
    .int()
    .positive()
    .default(3)
    .describe("channels of the hidden layers"),
  noise: z
    .number()
    .nonnegative()
    .default(0.1)
    .describe(
      "standard deviation of the noise that is to be taken away, as a share of the bounds",
    ),
  epochs: z.int().positive().default(100).describe("passes over the data"),
  batchSize: z.int().positive().default(256).describe("samples of each step"),
  learningRate: z
    .number()
    .positive()
    .default(0.001)
    .describe("learning rate of the optimiser"),
});

/**
 * A denoising autoencoder (MagNet, Meng and Chen 2017, arXiv:1705.09064),
 * trained on the clean training data: Gaussian noise is added, and the mean squared
 * error to the image without it is what is learned. The network and the
 * defaults are the reformer of the paper for MNIST: convolutions of 3x3 with
 * sigmoids around an average pooling.
 */
export const denoisingAutoencoder = defineSanitizer({
  id: "denoising-autoencoder",
  title: "Denoising autoencoder",
  summary:
    "An autoencoder that has learned to take Gaussian noise away from clean training images.",
  caution:
    "It has learned noise and not attacks: against an attack that knows it, what is left is mostly smoothing. Sigmoids in it saturate and make gradients small, so look at converged-in-steps.",
  reference: "Meng and Chen 2017, arXiv:1705.09064",
  needs: ["images"],
  params,
  gradient: "exact",
  async fit(input, chosen) {
    const { model, train, random } = input;
    const [channels, height, width] = imageShape(
      "denoising-autoencoder",
      model.contract,
    );
    const [low, high] = model.contract.bounds;
    const network = autoencoder(channels, chosen.channels);
    const weights = freshWeights(network.layers, random.fork("weights"));
    const b = new GraphBuilder({
      ...emptyGraph("denoising autoencoder"),
      constants: weights,
    });
    const dims = ["batch", channels, height, width];
    b.input({ name: "noisy", type: "float32", dims });
    b.input({ name: "clean", type: "float32", dims });
    const made = network.build(b, "noisy", [height, width], (name) => name);
    const apart = b.sub(made, "clean");
    const loss = b.op("ReduceMean", [b.mul(apart, apart)], {
      keepdims: int(0),
    });
    const unit = (x: FloatTensor): FloatTensor => ({
      ...x,
      data: x.data.map((v) => (v - low) / (high - low)),
    });
    return trainWeights(
      {
        ...chosen,
        graph: b.build([loss]),
        loss,
        straightThrough: [],
        weights,
        feeds(batch, stream) {
          const clean = unit(takeRows(train.x, batch));
          const data = clean.data.map((v) =>
            Math.min(1, Math.max(0, v + chosen.noise * stream.normal())),
          );
          return { clean, noisy: { ...clean, data } };
        },
      },
      input,
    );
  },
  build(b, x, chosen, { contract }, parts) {
    const [channels, height, width] = imageShape(
      "denoising-autoencoder",
      contract,
    );
    const [low, high] = contract.bounds;
    const unit = b.div(b.sub(x, low), high - low);
    const made = autoencoder(channels, chosen.channels).build(
      b,
      unit,
      [height, width],
      fittedWeights(b, parts),
    );
    return b.add(b.mul(made, high - low), low);
  },
});

/** From images in [0, 1] to such images. */
function autoencoder(channels: number, hidden: number): Network {
  const layers: Layer[] = [
    ["down", channels, hidden],
    ["inner", hidden, hidden],
    ["outer", hidden, hidden],
    ["up", hidden, hidden],
    ["out", hidden, channels],
  ];
  return {
    layers,
    build(b, x, [height, width], weight) {
      const layer = (v: string, name: string) =>
        b.sigmoid(convolved(b, v, name, weight));
      const even = extended(b, x, [height, width], 2);
      const code = layer(halved(b, layer(even, "down")), "inner");
      const half = [Math.ceil(height / 2), Math.ceil(width / 2)] as const;
      const wide = doubled(b, layer(code, "outer"), hidden, half);
      const made = layer(layer(wide, "up"), "out");
      return b.slice(made, [0, 0], [height, width], [2, 3]);
    },
  };
}
