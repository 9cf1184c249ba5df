import { type GraphBuilder, int } from "#onnx";

/** Lower than every score, also once one is added for each step. */
const LOWEST = -1e30;

/** All ways to say a label, step by step, as values of a graph. */
export interface Lattice {
  readonly steps: number;
  /**
   * Scores [N, steps + 1, S] of being at each place of the label once so many steps
   * are read. The S = 2 L + 1 places are the classes of the label with a blank around
   * each.
   */
  readonly scores: string;
  /** The class at each place [N, S]; below 0 behind the end of the label. */
  readonly places: string;
  /** 0 where a label may end, after its own number of steps; else as low as can be. */
  readonly ends: string;
  /** The same of every place of the label after these steps where it may not end. */
  readonly others: string;
  /** The number of steps that count [N, 1, 1]. */
  readonly counted: string;
  /** How many classes each label has [N]. */
  readonly lengths: string;
}

/**
 * The lattice of Graves et al. (2006, "Connectionist temporal classification", section
 * 4.1): at each step a label stays where it is, goes one place on, or past a blank
 * between two classes that differ.
 *
 * @param outputs scores of each class at each step [N, T, C], the blank first
 * @param targets [N, 1 + L]: how many steps count, 0 for all; then the classes, and
 *   -1 behind them
 * @param join how ways that meet are put together: summed as logarithms, or the best
 */
export function lattice(
  b: GraphBuilder,
  outputs: string,
  targets: string,
  join: "ReduceLogSumExp" | "ReduceMax",
): Lattice {
  const [, steps, classes] = b.rankedDims(outputs) as number[];
  const most = (b.rankedDims(targets)[1] as number) - 1;
  const size = 2 * most + 1;
  const numbers = (count: number, dims: number[]) =>
    b.constant({
      type: "float32",
      dims,
      data: Float32Array.from({ length: count }, (_, i) => i),
    });
  const labels = b.slice(targets, [1], [most + 1], [1]);
  const places = withBlanks(b, labels, most);
  const isReal = b.unsqueeze(b.atLeast(places, 0), [1]);
  const isClass = b.equal(
    b.unsqueeze(places, [1]),
    numbers(classes!, [1, classes!, 1]),
  );
  const emitted = b.add(
    b.matmul(outputs, b.mask(isClass, outputs)),
    b.where(isReal, 0, LOWEST),
  );
  const moves = movesOf(b, places, size);
  const outside = b.constant({
    type: "float32",
    dims: [1, 1, size + 2],
    data: Float32Array.from({ length: size + 2 }, (_, s) =>
      s === 2 ? 0 : LOWEST,
    ),
  });
  const none = b.unsqueeze(b.mul(b.slice(targets, [0], [1], [1]), 0), [1]);
  const before = b.add(b.concat([none, none], 2), LOWEST);
  let at = b.add(outside, none);
  const scores = [b.slice(at, [2], [size + 2], [2])];
  const each =
    steps === 1
      ? [emitted]
      : b.many(
          "Split",
          [emitted],
          { axis: int(1), num_outputs: int(steps!) },
          steps!,
        );
  for (const emission of each) {
    const from = [2, 1, 0].map((k) => b.slice(at, [k], [k + size], [2]));
    const met = b.add(b.concat(from, 1), moves);
    const joined = b.op(join, [met, b.ints([1])], { keepdims: int(1) });
    const next = b.add(joined, emission);
    scores.push(next);
    at = b.concat([before, next], 2);
  }
  const frames = b.unsqueeze(b.slice(targets, [0], [1], [1]), [1]);
  const counted = b.where(b.greater(frames, 0), frames, steps!);
  const lengths = b.reduceSum(b.mask(b.atLeast(labels, 0), outputs), [1]);
  const last = b.unsqueeze(b.mul(lengths, 2), [1, 2]);
  const place = numbers(size, [1, 1, size]);
  const isLast = b.equal(numbers(steps! + 1, [1, steps! + 1, 1]), counted);
  const mayEnd = b.and(b.atMost(place, last), b.atLeast(place, b.sub(last, 1)));
  return {
    steps: steps!,
    scores: b.concat(scores, 1),
    places,
    ends: b.where(b.and(isLast, mayEnd), 0, LOWEST),
    others: b.where(b.and(isLast, b.less(place, b.sub(last, 1))), 0, LOWEST),
    counted,
    lengths,
  };
}

/** Classes [N, L] with the blank, which is 0, around each: [N, 2 L + 1]. */
function withBlanks(b: GraphBuilder, labels: string, most: number): string {
  const column = b.unsqueeze(labels, [2]);
  const pairs = b.concat([b.mul(column, 0), column], 2);
  const last = b.mul(b.slice(labels, [0], [1], [1]), 0);
  return b.concat([b.reshape(pairs, [-1, 2 * most]), last], 1);
}

/** What it adds to stay, to go one place on, and to go two: [N, 3, S]. */
function movesOf(b: GraphBuilder, places: string, size: number): string {
  const earlier = b.slice(places, [0], [size - 2], [1]);
  const start = b.sub(b.mul(b.slice(places, [0], [2], [1]), 0), 2);
  const same = b.equal(places, b.concat([start, earlier], 1));
  const mayPass = b.and(b.op("Not", [same]), b.greater(places, 0));
  const passing = b.unsqueeze(b.where(mayPass, 0, LOWEST), [1]);
  const free = b.mul(passing, 0);
  return b.concat([free, free, passing], 1);
}

/**
 * -log of the probability of the label, all its alignments together, over its number of
 * classes as PyTorch's mean has it: [N]. Outputs and targets are those of `lattice`;
 * the outputs are logits or logarithms of shares.
 */
export function ctcLoss(
  b: GraphBuilder,
  outputs: string,
  targets: string,
): string {
  const logs = b.op("LogSoftmax", [outputs], { axis: int(2) });
  const { scores, ends, lengths } = lattice(
    b,
    logs,
    targets,
    "ReduceLogSumExp",
  );
  const total = b.op("ReduceLogSumExp", [b.add(scores, ends), b.ints([1, 2])], {
    keepdims: int(0),
  });
  return b.div(b.neg(total), b.op("Max", [lengths, b.scalar(1)]));
}
