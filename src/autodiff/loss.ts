import type { GraphBuilder } from "#onnx";

/**
 * Cross-entropy of each sample: logits [N, classes] and int64 labels [N] give
 * losses [N]. Stable for any finite logits (log-softmax).
 */
export function crossEntropy(
  b: GraphBuilder,
  logits: string,
  labels: string,
  name?: string,
): string {
  const logProbabilities = b.op("LogSoftmax", [logits], {
    axis: { kind: "int", value: -1 },
  });
  const classes = b.op("Range", [
    b.scalar(0, "int64"),
    b.squeeze(
      b.op("Shape", [logits], { start: { kind: "int", value: 1 } }),
      [0],
    ),
    b.scalar(1, "int64"),
  ]);
  const chosen = b.mask(b.equal(b.unsqueeze(labels, [1]), classes), logits);
  const picked = b.reduceSum(b.mul(logProbabilities, chosen), [1]);
  return b.op("Neg", [picked], {}, name);
}
