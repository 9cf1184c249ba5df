import { fixed } from "#onnx";
import type { RuleContext } from "../rule.ts";

/**
 * The sum over all but the channels of [N, C, ...]. onnxruntime takes many times as
 * long for a few pixels here and there as for the samples first, whose rows are long.
 */
export function channelSums(b: RuleContext["b"], value: string): string {
  const [, channels, ...sizes] = b.rankedDims(value);
  const places = sizes.map((_, i) => i + 2);
  const pixels = fixed(sizes)?.reduce((p, d) => p * d, 1);
  const isFew = pixels !== undefined && pixels <= FEW_PIXELS;
  if (!isFew || typeof channels !== "number" || sizes.length === 0)
    return b.reduceSum(value, [0, ...places]);
  const samples = b.reduceSum(b.reshape(value, [-1, channels * pixels]), [0]);
  return pixels === 1
    ? samples
    : b.reduceSum(b.reshape(samples, [channels, pixels]), [1]);
}

/** Pixels of an image of 4 x 4. */
const FEW_PIXELS = 16;
