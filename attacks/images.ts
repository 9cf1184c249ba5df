import { UsageError } from "#core";
import type { FloatTensor } from "#onnx";

/**
 * Channels, height and width of a batch of images [N, C, H, W].
 *
 * @param id of the attack that needs them
 * @throws ATTACK_INPUT for inputs of another shape
 */
export function imageShape(
  id: string,
  { dims }: FloatTensor,
): [channels: number, height: number, width: number] {
  const [channels, height, width, ...more] = dims.slice(1);
  if (channels && height && width && more.length === 0)
    return [channels, height, width];
  throw new UsageError(
    "ATTACK_INPUT",
    `${id} needs images of shape [C, H, W], the input has shape [${dims.slice(1).join(", ")}]`,
    "Remove the attack from the suite.",
  );
}
