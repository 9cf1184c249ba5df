import type { Random } from "#core";
import { type FloatTensor, floats, type GraphBuilder, ints } from "#onnx";
import type { Parts } from "../sanitizer.ts";

/** A convolution of 3x3, by name, with how many channels come in and go out. */
export type Layer = readonly [name: string, from: number, to: number];

/**
 * Weights drawn as for rectifiers (He et al. 2015, arXiv:1502.01852),
 * and biases of zero.
 */
export function freshWeights(
  layers: readonly Layer[],
  random: Random,
): Map<string, FloatTensor> {
  return new Map(
    layers.flatMap(([name, from, to]) => {
      const spread = Math.sqrt(2 / (9 * from));
      const weights = Array.from(
        { length: to * from * 9 },
        () => spread * random.normal(),
      );
      return [
        [`${name}.weight`, floats([to, from, 3, 3], weights)],
        [`${name}.bias`, floats([to], new Float32Array(to))],
      ] as const;
    }),
  );
}

/** A network from images to images, over weights that it finds by name. */
export interface Network {
  readonly layers: readonly Layer[];
  /** @param size of the images x [N, C, height, width]; the result has it as well */
  build(
    b: GraphBuilder,
    x: string,
    size: readonly [height: number, width: number],
    weight: (name: string) => string,
  ): string;
}

/** The weights of a fit as constants of the graph. */
export const fittedWeights =
  (b: GraphBuilder, parts: Parts) => (name: string) =>
    b.constant(parts.fitted(name));

export const convolved = (
  b: GraphBuilder,
  x: string,
  name: string,
  weight: (name: string) => string,
) =>
  b.op("Conv", [x, weight(`${name}.weight`), weight(`${name}.bias`)], {
    pads: ints([1, 1, 1, 1]),
  });

export const halved = (b: GraphBuilder, x: string) =>
  b.op("AveragePool", [x], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
  });

/** Each pixel four times. */
export function doubled(
  b: GraphBuilder,
  x: string,
  channels: number,
  [height, width]: readonly [number, number],
): string {
  const apart = b.reshape(x, [-1, channels, height, 1, width, 1]);
  const ones = b.constant(floats([1, 1, 1, 2, 1, 2], [1, 1, 1, 1]));
  return b.reshape(b.mul(apart, ones), [-1, channels, 2 * height, 2 * width]);
}
