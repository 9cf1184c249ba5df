import type { Model } from "#model";
import { layerGroups } from "#model";
import type { FloatTensor } from "#onnx";

/** A weight tensor as signed bytes: value = scale * byte, the largest at 127. */
export interface Bytes {
  readonly scale: number;
  readonly bytes: Int8Array;
}

/**
 * Symmetric bytes of one scale for each tensor, as ONNX Runtime quantises
 * weights by default.
 */
export function toBytes(weight: Float32Array): Bytes {
  const largest = weight.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const scale = largest > 0 ? largest / 127 : 1;
  return {
    scale,
    bytes: Int8Array.from(weight, (v) => Math.round(v / scale)),
  };
}

/**
 * The weights of a model that quantisation turns to bytes: those of more than
 * one axis, by name.
 */
export const matrices = ({ graph }: Model): [string, FloatTensor][] =>
  layerGroups(graph)
    .flatMap((g) => g.parameters)
    .map((name): [string, FloatTensor] => [
      name,
      graph.constants.get(name) as FloatTensor,
    ])
    .filter(([, { dims }]) => dims.length > 1);
