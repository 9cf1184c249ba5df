import type { Random } from "#core";
import { floats, int, ints } from "#onnx";
import type { Architecture } from "./architecture.ts";
import { imagesFor, network } from "./network.ts";

/**
 * The network of the MNIST challenge (Madry et al. 2018, arXiv:1706.06083): two
 * times convolution 5x5, ReLU and 2x2 max-pooling (32 and 64 channels), a hidden
 * layer of 1024, and the head. As in their code, weights are drawn from a normal
 * distribution of 0.1 that is cut at two deviations, and biases are 0.1.
 */
export const madryCnn: Architecture = {
  id: "madry-cnn",
  title: "CNN of the MNIST challenge",
  summary:
    "The network of the MNIST challenge: two convolutions, a hidden layer of 1024 and the head.",
  caution:
    "Its numbers in the literature are of MNIST with its own training; a fine-tuning here is another thing.",
  build(shape, classes, random) {
    const [channels, height, width] = imagesFor("madry-cnn", shape);
    return network("madry-cnn", shape, classes, (b, input) => {
      const weights = (name: string, dims: readonly number[]) => [
        b.constant(cutNormal(dims, random), `${name}.weight`),
        b.constant(
          floats([dims[0] ?? 0], new Float32Array(dims[0] ?? 0).fill(0.1)),
          `${name}.bias`,
        ),
      ];
      const convolved = (x: string, i: number, from: number, to: number) => {
        const conv = b.op(
          "Conv",
          [x, ...weights(`conv${i}`, [to, from, 5, 5])],
          { kernel_shape: ints([5, 5]), pads: ints([2, 2, 2, 2]) },
          `conv${i}`,
        );
        const relu = b.op("Relu", [conv], {}, `relu${i}`);
        const window = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
        return b.op("MaxPool", [relu], window, `pool${i}`);
      };
      const dense = (name: string, x: string, from: number, to: number) =>
        b.op(
          "Gemm",
          [x, ...weights(name, [to, from])],
          { transB: int(1) },
          name,
        );
      const maps = convolved(convolved(input, 1, channels, 32), 2, 32, 64);
      const flat = b.op("Flatten", [maps], { axis: int(1) }, "flatten");
      const size = 64 * Math.floor(height / 4) * Math.floor(width / 4);
      const hidden = dense("hidden", flat, size, 1024);
      const bent = b.op("Relu", [hidden], {}, "relu3");
      return dense("head", bent, 1024, classes.length);
    });
  },
};

function cutNormal(dims: readonly number[], random: Random) {
  const size = dims.reduce((p, d) => p * d, 1);
  const draw = (): number => {
    const z = random.normal();
    return Math.abs(z) < 2 ? 0.1 * z : draw();
  };
  return floats(dims, Float32Array.from({ length: size }, draw));
}
