import type { Random } from "#core";
import type { Model } from "#model";
import { floats, type GraphBuilder, int, ints } from "#onnx";
import type { Architecture } from "./architecture.ts";
import { dense, heNormal, imagesFor, network } from "./network.ts";

/**
 * A small convolutional network: two times convolution 3x3, ReLU and 2x2
 * max-pooling (16 and 32 channels), a hidden layer of 64, and the head.
 * Weights are drawn as He et al. 2015 (arXiv:1502.01852).
 */
export const smallCnn: Architecture = {
  id: "small-cnn",
  title: "Small CNN",
  summary:
    "A small convolutional network: two convolutions, one hidden layer and the head.",
  caution:
    "For tests, demos and small grey images; what it shows need not hold for a network of the size that is deployed.",
  build: (shape, classes, random) => build(shape, classes, random, false),
};

/**
 * The same with batch normalisation behind each convolution, for what needs one. Train
 * it with `batchNorm: batch`.
 */
export const smallCnnBn: Architecture = {
  id: "small-cnn-bn",
  title: "Small CNN with batch normalisation",
  summary: "The small CNN with batch normalisation behind each convolution.",
  caution:
    "Train it with `batchNorm: batch`, else its statistics stay what they were. For tests and small images.",
  build: (shape, classes, random) => build(shape, classes, random, true),
};

function build(
  shape: readonly number[],
  classes: readonly string[],
  random: Random,
  normalised: boolean,
): Model {
  const [channels, height, width] = imagesFor("a small CNN", shape);
  return network("small-cnn", shape, classes, (b, input) => {
    let x = input;
    let depth = channels;
    for (const [i, filters] of [16, 32].entries()) {
      const name = `conv${i + 1}`;
      const w = b.constant(
        heNormal([filters, depth, 3, 3], depth * 9, random),
        `${name}.weight`,
      );
      const bias = b.constant(
        floats([filters], new Float32Array(filters)),
        `${name}.bias`,
      );
      const conv = b.op(
        "Conv",
        [x, w, bias],
        { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) },
        name,
      );
      const unit = normalised ? normalisation(b, conv, filters, name) : conv;
      const relu = b.op("Relu", [unit], {}, `relu${i + 1}`);
      x = b.op(
        "MaxPool",
        [relu],
        { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
        `pool${i + 1}`,
      );
      depth = filters;
    }
    const flat = depth * Math.floor(height / 4) * Math.floor(width / 4);
    x = b.op("Flatten", [x], { axis: int(1) }, "flatten");
    const hidden = dense(b, x, "hidden", [flat, 64], random);
    x = b.op("Relu", [hidden], {}, "relu3");
    return dense(b, x, "head", [64, classes.length], random);
  });
}

/** Batch normalisation that begins as the identity. */
function normalisation(
  b: GraphBuilder,
  x: string,
  channels: number,
  layer: string,
): string {
  const filled = (name: string, value: number) =>
    b.constant(
      floats([channels], new Float32Array(channels).fill(value)),
      `${layer}.norm.${name}`,
    );
  return b.op("BatchNormalization", [
    x,
    filled("weight", 1),
    filled("bias", 0),
    filled("running_mean", 0),
    filled("running_var", 1),
  ]);
}
