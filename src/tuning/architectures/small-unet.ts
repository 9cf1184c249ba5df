import { AssayError } from "#core";
import { floats, type GraphBuilder, int, ints, string } from "#onnx";
import type { Architecture } from "./architecture.ts";
import { heNormal, imagesFor, network } from "./network.ts";

/**
 * A small U-Net (Ronneberger et al. 2015, arXiv:1505.04597) of one level, for a class
 * at each pixel: convolutions of 16 channels, of 32 at half the size, and of 16 on both
 * together, each 3x3 with ReLU, and one of a pixel to the classes. Weights are
 * drawn as He et al. 2015 (arXiv:1502.01852).
 */
export const smallUnet: Architecture = {
  id: "small-unet",
  title: "Small U-Net, a class at each pixel",
  summary: "A small U-Net of one level, for a class at each pixel.",
  caution:
    "One level sees little around a pixel, so objects larger than its windows are beyond it. For tests and small images.",
  atPositions: true,
  build(shape, classes, random) {
    const [channels, height, width] = imagesFor("small-unet", shape);
    if (height % 2 || width % 2)
      throw new AssayError(
        "ARCHITECTURE_INPUT",
        `small-unet needs images of even height and width, the data has ${height}x${width}`,
        "Set data.size, or give a base model instead of base.pretrain.",
      );
    return network("small-unet", shape, classes, (b, input) => {
      const convolved = (
        name: string,
        x: string,
        [from, to, size]: readonly [number, number, number],
      ) => {
        const kernel = [to, from, size, size];
        const w = heNormal(kernel, from * size * size, random);
        const bias = floats([to], new Float32Array(to));
        const pad = (size - 1) / 2;
        return b.op(
          "Conv",
          [
            x,
            b.constant(w, `${name}.weight`),
            b.constant(bias, `${name}.bias`),
          ],
          {
            kernel_shape: ints([size, size]),
            pads: ints([pad, pad, pad, pad]),
          },
          name,
        );
      };
      const layer = (name: string, x: string, from: number, to: number) =>
        b.op("Relu", [convolved(name, x, [from, to, 3])], {}, `${name}.relu`);
      const fine = layer("conv1", input, channels, 16);
      const coarse = layer("conv2", halved(b, fine), 16, 32);
      const both = b.concat([fine, doubled(b, coarse)], 1);
      return convolved("head", layer("conv3", both, 48, 16), [
        16,
        classes.length,
        1,
      ]);
    });
  },
};

const halved = (b: GraphBuilder, x: string): string =>
  b.op("MaxPool", [x], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });

const doubled = (b: GraphBuilder, x: string): string =>
  b.op("Resize", [x, "", b.constant(floats([4], [1, 1, 2, 2]))], {
    mode: string("nearest"),
    coordinate_transformation_mode: string("asymmetric"),
    nearest_mode: string("floor"),
    antialias: int(0),
  });
