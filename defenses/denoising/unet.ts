import type { GraphBuilder } from "#onnx";
import { extended } from "../images.ts";
import {
  convolved,
  doubled,
  halved,
  type Layer,
  type Network,
} from "./layers.ts";

/**
 * A small U-Net (Ronneberger et al. 2015, arXiv:1505.04597): two rectified
 * convolutions at each of three sizes, on the way down and up again, with what
 * was seen on the way down at hand on the way up.
 *
 * @param width channels at full size; twice and four times as many below
 */
export function unet(channels: number, width: number): Network {
  const [w, ww, wwww] = [width, 2 * width, 4 * width];
  const layers: Layer[] = [
    ["full.1", channels, w],
    ["full.2", w, w],
    ["half.1", w, ww],
    ["half.2", ww, ww],
    ["quarter.1", ww, wwww],
    ["quarter.2", wwww, wwww],
    ["half.3", wwww + ww, ww],
    ["half.4", ww, ww],
    ["full.3", ww + w, w],
    ["full.4", w, w],
    ["out", w, channels],
  ];
  return {
    layers,
    build(b, x, [height, width], weight) {
      const twice = (v: string, one: string, other: string) =>
        [one, other].reduce(
          (at, name) => b.op("Relu", [convolved(b, at, name, weight)]),
          v,
        );
      const even = extended(b, x, [height, width], 4);
      const size = [4 * Math.ceil(height / 4), 4 * Math.ceil(width / 4)];
      const [half, quarter] = [2, 4].map((part) =>
        size.map((length) => length / part),
      ) as [[number, number], [number, number]];
      const full = twice(even, "full.1", "full.2");
      const below = twice(halved(b, full), "half.1", "half.2");
      const lowest = twice(halved(b, below), "quarter.1", "quarter.2");
      const up = joined(b, doubled(b, lowest, wwww, quarter), below);
      const back = twice(up, "half.3", "half.4");
      const whole = joined(b, doubled(b, back, ww, half), full);
      const made = convolved(
        b,
        twice(whole, "full.3", "full.4"),
        "out",
        weight,
      );
      return b.slice(made, [0, 0], [height, width], [2, 3]);
    },
  };
}

const joined = (b: GraphBuilder, one: string, other: string) =>
  b.concat([one, other], 1);
