import { AssayError, type Random } from "#core";
import type { Model } from "#model";
import { emptyGraph, floats, GraphBuilder, int, ints } from "#onnx";
import type { Architecture } from "./architecture.ts";

/**
 * A small convolutional network: two times convolution 3x3, ReLU and 2x2
 * max-pooling (16 and 32 channels), a hidden layer of 64, and the head.
 * Weights are drawn as He et al. 2015 (arXiv:1502.01852).
 */
export const smallCnn: Architecture = {
  id: "small-cnn",
  title: "Small CNN",
  build: (shape, classes, random) => build(shape, classes, random, false),
};

/** The same with batch normalisation behind each convolution, for what needs one. Train it with `batchNorm: batch`. */
export const smallCnnBn: Architecture = {
  id: "small-cnn-bn",
  title: "Small CNN with batch normalisation",
  build: (shape, classes, random) => build(shape, classes, random, true),
};

function build(
  shape: readonly number[],
  classes: readonly string[],
  random: Random,
  normalised: boolean,
): Model {
  const [channels, height, width] = shape;
  if (
    shape.length !== 3 ||
    !channels ||
    !height ||
    !width ||
    height < 4 ||
    width < 4
  ) {
    throw new AssayError(
      "ARCHITECTURE_INPUT",
      `a small CNN needs images of at least 4x4 pixels, the data has shape [${shape.join(", ")}]`,
      "Give a base model instead of base.pretrain.",
    );
  }
  const b = new GraphBuilder(emptyGraph("small-cnn"));
  const input = b.input({
    name: "input",
    type: "float32",
    dims: ["batch", ...shape],
  });
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
  const dense = (name: string, from: number, to: number) => {
    const w = b.constant(heNormal([to, from], from, random), `${name}.weight`);
    const bias = b.constant(floats([to], new Float32Array(to)), `${name}.bias`);
    return b.op("Gemm", [x, w, bias], { transB: int(1) }, name);
  };
  x = dense("hidden", flat, 64);
  x = b.op("Relu", [x], {}, "relu3");
  const logits = dense("head", 64, classes.length);
  return {
    graph: b.build([logits]),
    input,
    logits,
    contract: { shape, bounds: [0, 1] },
    classes,
    straightThrough: [],
  };
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

function heNormal(dims: readonly number[], fanIn: number, random: Random) {
  const deviation = Math.sqrt(2 / fanIn);
  const size = dims.reduce((p, d) => p * d, 1);
  return floats(
    dims,
    Float32Array.from({ length: size }, () => random.normal() * deviation),
  );
}
