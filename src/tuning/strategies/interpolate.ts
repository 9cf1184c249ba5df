import type { Model } from "#model";
import type { FloatTensor, Tensor } from "#onnx";

/**
 * The model between two of one graph: (1 - alpha) of the numbers of `from` and alpha
 * of those of `to`.
 */
export function interpolated(from: Model, to: Model, alpha: number): Model {
  const constants = new Map<string, Tensor>(to.graph.constants);
  for (const [name, start] of from.graph.constants) {
    const end = to.graph.constants.get(name);
    // What was not trained is the same tensor in both.
    if (start.type !== "float32" || !end || end === start) continue;
    constants.set(
      name,
      between(start as FloatTensor, end as FloatTensor, alpha),
    );
  }
  return { ...to, graph: { ...to.graph, constants } };
}

function between(
  start: FloatTensor,
  end: FloatTensor,
  alpha: number,
): FloatTensor {
  // Exact at both ends, whatever rounding does to a sum of two shares.
  if (alpha === 0) return start;
  if (alpha === 1) return end;
  const data = new Float32Array(end.data.length);
  for (let i = 0; i < data.length; i++)
    data[i] = (1 - alpha) * start.data[i]! + alpha * end.data[i]!;
  return { ...end, data };
}
