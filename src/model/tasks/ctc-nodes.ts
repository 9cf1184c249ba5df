import { lattice } from "#autodiff";
import { type GraphBuilder, int } from "#onnx";

/** Lower than every sum of logits. */
const LOWEST = -1e30;

/** The most classes that are right at one place: its own, and the two after it. */
const KEPT = 3;

/**
 * The logit of `wayOf` as nodes: [N, 1].
 *
 * @param outputs [N, T, C], the blank first
 * @param targets [N, 1 + L], as `lattice` takes them
 */
export function wayNodes(
  b: GraphBuilder,
  outputs: string,
  targets: string,
): string {
  const found = lattice(b, outputs, targets, "ReduceMax");
  const { steps, scores, places, ends, others, counted } = found;
  const most = (value: string, axes: readonly number[]) =>
    b.op("ReduceMax", [value, b.ints(axes)], { keepdims: int(0) });
  const right = most(b.add(scores, ends), [1, 2]);
  const unfinished = most(b.add(scores, others), [1, 2]);
  const [, , classes] = b.rankedDims(outputs) as number[];
  const size = b.rankedDims(places)[1] as number;
  const [best = "", which = ""] = b.many(
    "TopK",
    [outputs, b.ints([Math.min(classes!, KEPT + 1)])],
    { axis: int(2) },
    2,
  );
  // Whether each of the largest says, at each place, what the label may go on with.
  const said = b.unsqueeze(b.cast(which, "float32"), [2]);
  const end = b.sub(b.mul(b.slice(places, [0], [2], [1]), 0), 2);
  const longer = b.concat([places, end], 1);
  const isKept = Array.from({ length: KEPT }, (_, k) => {
    const next = b.slice(longer, [k], [k + size], [1]);
    return b.equal(said, b.unsqueeze(next, [1, 3]));
  }).reduce((one, other) => b.op("Or", [one, other]));
  const leaving = most(b.where(isKept, LOWEST, b.unsqueeze(best, [2])), [3]);
  const numbers = b.constant({
    type: "float32",
    dims: [1, steps, 1],
    data: Float32Array.from({ length: steps }, (_, t) => t),
  });
  const counts = b.less(numbers, counted);
  const tops = b.mul(b.slice(best, [0], [1], [2]), b.mask(counts, best));
  const upTo = b.op("CumSum", [tops, b.scalar(1, "int64")]);
  const rest = b.sub(b.reduceSum(tops, [1], true), upTo);
  const before = b.slice(scores, [0], [steps], [1]);
  const left = b.where(counts, b.add(b.add(before, leaving), rest), LOWEST);
  const wrong = b.op("Max", [most(left, [1, 2]), unfinished]);
  return b.unsqueeze(b.sub(wrong, right), [1]);
}
