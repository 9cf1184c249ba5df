import { byPosition } from "#autodiff";
import { type GraphBuilder, int } from "#onnx";
import { fewestWrong, type Standard } from "./position-rows.ts";

/** Lower than every margin. */
const LOWEST = -1e30;

/**
 * The logit of `wayOf` as nodes: [N, 1].
 *
 * @param outputs [N, classes x positions], class by class
 * @param targets [N, positions], the class of each; one below 0 does not count
 */
export function wayNodes(
  b: GraphBuilder,
  outputs: string,
  targets: string,
  standard: Standard,
): string {
  const at = byPosition(b, outputs, targets);
  const { positions, logits, isRight, counted } = at;
  const others = b.where(isRight, LOWEST, logits);
  const rival = b.op("ReduceMax", [others, b.ints([1])], { keepdims: int(0) });
  const right = b.reduceSum(b.mul(logits, b.mask(isRight, logits)), [1]);
  const margins = b.where(b.greater(counted, 0), b.sub(rival, right), LOWEST);
  const [sorted = "", order = ""] = b.many(
    "TopK",
    [margins, b.ints([positions])],
    { axis: int(1) },
    2,
  );
  const place =
    standard.measure === "share"
      ? placeByShare(b, counted, positions, standard.least)
      : placeByOverlap(b, { ...at, others, order, targets }, standard.least);
  const places = b.constant({
    type: "float32",
    dims: [1, positions],
    data: Float32Array.from({ length: positions }, (_, p) => p),
  });
  const last = b.unsqueeze(place, [1]);
  const sum = (condition: string, values: string) =>
    b.reduceSum(b.where(condition, values, 0), [1], true);
  const lacking = b.neg(b.op("Relu", [b.neg(sorted)]));
  const lack = b.div(sum(b.atMost(places, last), lacking), b.add(last, 1));
  return b.add(lack, sum(b.equal(places, last), b.op("Relu", [sorted])));
}

/** Which of the sorted margins decides, counted from 0: [N]. */
function placeByShare(
  b: GraphBuilder,
  counted: string,
  positions: number,
  least: number,
): string {
  // As many as there can be, so that nothing is rounded.
  const fewest = b.constant({
    type: "float32",
    dims: [positions + 1],
    data: Float32Array.from({ length: positions + 1 }, (_, n) =>
      Math.max(0, fewestWrong(n, least) - 1),
    ),
  });
  const count = b.cast(b.reduceSum(counted, [1]), "int64");
  return b.op("Gather", [fewest, count], { axis: int(0) });
}

/** How many may turn wrong, in the order of their margins, before the mean is below. */
function placeByOverlap(
  b: GraphBuilder,
  at: ReturnType<typeof byPosition> & {
    readonly others: string;
    readonly order: string;
    readonly targets: string;
  },
  least: number,
): string {
  const { classes, counted, others, order, targets } = at;
  const numbers = b.constant({
    type: "float32",
    dims: [1, classes, 1],
    data: Float32Array.from({ length: classes }, (_, k) => k),
  });
  const inOrder = (values: string) =>
    b.op("GatherElements", [values, order], { axis: int(1) });
  /** Whether each position in order is of each class: [N, classes, positions]. */
  const ofClass = (values: string) =>
    b.mask(b.equal(b.unsqueeze(values, [1]), numbers), counted);
  const upTo = (values: string) =>
    b.op("CumSum", [values, b.scalar(2, "int64")]);
  const rivals = b.cast(
    b.op("ArgMax", [others], { axis: int(1), keepdims: int(0) }),
    "float32",
  );
  const counting = b.greater(counted, 0);
  const gained = upTo(ofClass(inOrder(b.where(counting, rivals, -1))));
  const right = ofClass(inOrder(targets));
  const total = b.reduceSum(right, [2], true);
  const both = b.sub(total, upTo(right));
  const either = b.add(total, gained);
  const present = b.mask(b.greater(either, 0), either);
  const each = b.div(both, b.op("Max", [either, b.scalar(1)]));
  const mean = b.div(b.reduceSum(each, [1]), b.reduceSum(present, [1]));
  const holds = b.mask(b.atLeast(mean, least - 1e-6), mean);
  return b.reduceSum(holds, [1]);
}
