import { isClass } from "#autodiff";
import { logSumExp } from "#core";
import { type FloatTensor, type Graph, GraphBuilder, int } from "#onnx";
import { type Detector, isFlagged, mayRefuse } from "./detector.ts";
import type { Answers } from "./model.ts";

/**
 * Whether the model refuses an answer to each row.
 *
 * @param scores of each detector, [N]
 */
export function rejections(
  detectors: readonly Detector[],
  scores: readonly FloatTensor[],
  rows: number,
): boolean[] {
  return Array.from({ length: rows }, (_, row) =>
    detectors.some(
      (detector, k) =>
        detector.rejects && isFlagged(scores[k]?.data[row] as number, detector),
    ),
  );
}

/*
 * An attacker's view of a model that may refuse to answer (Carlini and Wagner
 * 2017, arXiv:1705.07263, section 3): refusing is one more class, whose logit
 * exceeds the others as far as the score exceeds its threshold. Neither being
 * right nor being refused is a success, so the true class gets that logit where
 * it is the higher. An attack that raises another class above the true one is
 * then an attack that is misclassified and not flagged, whatever its loss.
 *
 * Of what is misclassified and flagged the excess is all that a cross-entropy
 * depends on: the other classes count by their logsumexp, not their maximum. Far
 * above the threshold the excess counts by its logarithm, so that nothing
 * underflows. Its weight is small, lest it keeps an attack from the boundary.
 */

/**
 * Logits [N, classes] as an attacker sees them: those of a model that always answers
 * are as they are.
 */
export function asAttacked(
  { logits, scores }: Pick<Answers, "logits" | "scores">,
  detectors: readonly Detector[] = [],
  truth: ArrayLike<number>,
): FloatTensor {
  if (!mayRefuse(detectors)) return logits;
  const [n = 0, classes = 0] = logits.dims;
  const data = Float32Array.from(logits.data);
  for (let row = 0; row < n; row++) {
    const excess = detectors.reduce(
      (most, detector, k) =>
        detector.rejects
          ? Math.max(most, excessOf(scores[k]?.data[row] as number, detector))
          : most,
      Number.NEGATIVE_INFINITY,
    );
    const label = truth[row]!;
    const own = data.subarray(row * classes, (row + 1) * classes);
    const right = own[label]!;
    const others = own.filter((_, k) => k !== label);
    const rival = excess > 0 ? logSumExp(others) : Math.max(...others);
    own[label] = Math.max(right, Math.max(right, rival) + excess);
  }
  return { ...logits, data };
}

function excessOf(
  score: number,
  { threshold, scale, weight }: Detector,
): number {
  const above = (score - threshold) / scale;
  return weight * (above > 0 ? Math.log(1 + above) : above);
}

/** The same as nodes. `truth` is int64 [N]. */
export function addRefusal(
  b: GraphBuilder,
  logits: string,
  detectors: readonly Detector[] = [],
  truth: string,
): string {
  if (!mayRefuse(detectors)) return logits;
  const excesses = detectors
    .filter(({ rejects }) => rejects)
    .map(({ score, threshold, scale, weight }) => {
      const above = b.mul(b.sub(score, threshold), 1 / scale);
      const beyond = b.log(b.add(b.op("Relu", [above]), 1));
      return b.mul(b.sub(beyond, b.op("Relu", [b.neg(above)])), weight);
    });
  const excess = b.unsqueeze(
    excesses.reduce((a, c) => b.op("Max", [a, c])),
    [1],
  );
  const isTrue = isClass(b, logits, truth);
  const others = b.where(isTrue, -1e30, logits);
  const over = (op: string) =>
    b.op(op, [others, b.ints([1])], { keepdims: int(1) });
  const right = b.reduceSum(b.mul(logits, b.mask(isTrue, logits)), [1], true);
  const rival = b.where(
    b.greater(excess, 0),
    over("ReduceLogSumExp"),
    over("ReduceMax"),
  );
  const refusal = b.add(b.op("Max", [right, rival]), excess);
  return b.where(isTrue, b.op("Max", [right, refusal]), logits);
}

/** Whether each row of a score [N] is flagged, as a node. */
export const addFlag = (b: GraphBuilder, score: string, threshold: number) =>
  b.op("Not", [b.atMost(score, threshold)]);

/** The graph with an output "rejected" [N] where a detector refuses answers. */
export function addRejected(
  graph: Graph,
  detectors: readonly Detector[],
): Graph {
  const rejecting = detectors.filter(({ rejects }) => rejects);
  if (rejecting.length === 0) return graph;
  const b = new GraphBuilder(graph, "detect/");
  const flags = rejecting.map((d) => addFlag(b, d.score, d.threshold));
  const any = flags.reduce((a, c) => b.op("Or", [a, c]));
  b.rename(any, "rejected");
  return b.build([...graph.outputs.map(({ name }) => name), "rejected"]);
}
