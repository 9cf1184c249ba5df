import type { Window } from "#onnx";
import type { RuleContext } from "../rule.ts";

/** Everything the formulas of a gradient need of one convolution. */
export interface Geometry extends Window {
  readonly groups: number;
  /** Weight dims: [M, C / groups, ...kernel]. */
  readonly weight: readonly number[];
  /** Spatial sizes of the input and of the output. */
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Batch and channels exchanged. */
export const exchanged = (
  b: RuleContext["b"],
  value: string,
  sizes: readonly number[],
) => b.transpose(value, [1, 0, ...sizes.map((_, i) => i + 2)]);
