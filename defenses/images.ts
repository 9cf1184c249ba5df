import { AssayError } from "#core";
import type { InputContract } from "#model";
import { type GraphBuilder, int } from "#onnx";

/**
 * Channels, height and width of the images that a model takes.
 *
 * @param id of the defence that needs them
 * @throws DEFENSE_INPUT for inputs of another shape
 */
export function imageShape(
  id: string,
  { shape }: Pick<InputContract, "shape">,
): [channels: number, height: number, width: number] {
  const [channels, height, width, ...more] = shape;
  if (channels && height && width && more.length === 0)
    return [channels, height, width];
  throw new AssayError(
    "DEFENSE_INPUT",
    `${id} needs images [C, H, W], the model takes [${shape.join(", ")}]`,
    "Leave this defence out for this model.",
  );
}

/**
 * Images [N, C, H, W] with their borders mirrored outwards, the edge repeated (d c b
 * a | a b c d | d c b a).
 */
export function mirrored(
  b: GraphBuilder,
  x: string,
  size: readonly [height: number, width: number],
  before: number,
  after: number,
): string {
  return size.reduce((padded, length, k) => {
    const order = Array.from({ length: length + before + after }, (_, i) => {
      const period = 2 * length;
      const folded = (((i - before) % period) + period) % period;
      return folded < length ? folded : period - 1 - folded;
    });
    return b.op("Gather", [padded, b.ints(order)], { axis: int(k + 2) });
  }, x);
}

/**
 * Images [N, C, H, W] whose last rows and columns are repeated until their sides are
 * multiples of `block`.
 */
export function extended(
  b: GraphBuilder,
  x: string,
  size: readonly [height: number, width: number],
  block: number,
): string {
  return size.reduce((image, length, k) => {
    const whole = block * Math.ceil(length / block);
    const order = Array.from({ length: whole }, (_, i) =>
      Math.min(i, length - 1),
    );
    return whole === length
      ? image
      : b.op("Gather", [image, b.ints(order)], { axis: int(k + 2) });
  }, x);
}
