import { floats, type GraphBuilder, int } from "#onnx";
import { mirrored } from "./images.ts";

/**
 * Images [N, C, H, W] convolved along both axes with a row of weights that sum
 * to 1, mirrored at the edge; an even row reaches one further up and left.
 */
export function filtered(
  b: GraphBuilder,
  x: string,
  [channels, height, width]: readonly [number, number, number],
  weights: readonly number[],
): string {
  const before = Math.floor(weights.length / 2);
  const after = weights.length - 1 - before;
  const padded = mirrored(b, x, [height, width], before, after);
  const each = (dims: readonly number[]) =>
    b.constant(
      floats(
        [channels, 1, ...dims],
        Array.from({ length: channels }, () => weights).flat(),
      ),
    );
  const along = (v: string, dims: readonly number[]) =>
    b.op("Conv", [v, each(dims)], { group: int(channels) });
  return along(along(padded, [weights.length, 1]), [1, weights.length]);
}
