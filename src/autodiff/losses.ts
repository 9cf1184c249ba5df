import { AssayError } from "#core";
import { type GraphBuilder, int } from "#onnx";
import { ctcLoss } from "./ctc.ts";
import { positionCrossEntropy } from "./positions.ts";

/**
 * What an attack raises, or a training lowers: a number for each sample, from its
 * logits, or from its outputs and what they should be.
 */
export interface Loss {
  /** The fewest classes of which it is defined. */
  readonly classes: number;
  /**
   * What it needs besides the true class: a class to aim at, or a distribution
   * to compare with.
   */
  readonly aims: false | "class" | "distribution";
  /**
   * Whether it compares outputs with targets, each [N, outputs] or one for several
   * outputs, rather than logits with a class.
   */
  readonly targets?: true;
  /**
   * Adds the nodes.
   *
   * @param logits z [N, classes]
   * @param labels y, int64 [N]; the targets, float32 [N, outputs], where it takes them
   * @param aims t, int64 [N] or float32 [N, classes], where the loss needs them
   * @returns [N]
   */
  build(b: GraphBuilder, logits: string, labels: string, aims: string): string;
}

/** Every loss by its name; an attack raises it. */
export const losses = {
  /** -log softmax(z)_y */
  "cross-entropy": {
    classes: 1,
    aims: false,
    build: (b, logits, labels) => crossEntropy(b, logits, labels),
  },
  /** log softmax(z)_t */
  "cross-entropy-targeted": {
    classes: 2,
    aims: "class",
    build: (b, logits, _labels, aims) =>
      b.op("Neg", [crossEntropy(b, logits, aims)]),
  },
  /** -sum_k t_k log softmax(z)_k: the divergence from t, and a constant. */
  "cross-entropy-distribution": {
    classes: 1,
    aims: "distribution",
    build: (b, logits, _labels, aims) =>
      distributionCrossEntropy(b, logits, aims),
  },
  /**
   * Difference of logits ratio (Croce and Hein 2020, arXiv:2003.01690): (max of the
   * others - z_y) / (z_1st - z_3rd).
   */
  dlr: {
    classes: 3,
    aims: false,
    build(b, logits, labels) {
      const [first, , third] = largest(b, logits, 3) as [
        string,
        string,
        string,
      ];
      const spread = b.add(b.sub(first, third), 1e-12);
      return b.div(margin(b, logits, labels), spread);
    },
  },
  /** The same towards a class: (z_t - z_y) / (z_1st - (z_3rd + z_4th) / 2). */
  "dlr-targeted": {
    classes: 4,
    aims: "class",
    build(b, logits, labels, aims) {
      const [first, , third, fourth] = largest(b, logits, 4) as [
        string,
        string,
        string,
        string,
      ];
      const middle = b.mul(b.add(third, fourth), 0.5);
      const spread = b.add(b.sub(first, middle), 1e-12);
      const gap = b.sub(pick(b, logits, aims), pick(b, logits, labels));
      return b.div(gap, spread);
    },
  },
  /**
   * max of the others - z_y (Carlini and Wagner 2017, arXiv:1608.04644): above 0 where
   * the sample is misclassified.
   */
  margin: { classes: 2, aims: false, build: margin },
  /** z_t - max of the others: above 0 where the sample is taken for t. */
  "margin-targeted": {
    classes: 2,
    aims: "class",
    build: (b, logits, _labels, aims) => b.op("Neg", [margin(b, logits, aims)]),
  },
  /** Mean over the outputs of log(1 + exp(z)) - z t, with t 0 or 1. */
  "binary-cross-entropy": {
    classes: 1,
    aims: false,
    targets: true,
    build: (b, logits, targets) =>
      meanOf(b, b.sub(b.op("Softplus", [logits]), b.mul(logits, targets))),
  },
  /** Mean over the outputs of (z - t)^2. */
  "squared-error": {
    classes: 1,
    aims: false,
    targets: true,
    build(b, logits, targets) {
      const off = b.sub(logits, targets);
      return meanOf(b, b.mul(off, off));
    },
  },
  /** Mean over the positions that count of -log softmax(z)_t: see `byPosition`. */
  "cross-entropy-by-position": {
    classes: 1,
    aims: false,
    targets: true,
    build: (b, logits, targets) => positionCrossEntropy(b, logits, targets),
  },
  /** -log of the share of all alignments that say a label: see `ctcLoss`. */
  ctc: {
    classes: 1,
    aims: false,
    targets: true,
    build: (b, outputs, targets) => ctcLoss(b, outputs, targets),
  },
  /** z_t - z_y: the boundary between two classes. */
  difference: {
    classes: 2,
    aims: "class",
    build: (b, logits, labels, aims) =>
      b.sub(pick(b, logits, aims), pick(b, logits, labels)),
  },
  /** z_t */
  logit: {
    classes: 1,
    aims: "class",
    build: (b, logits, _labels, aims) => pick(b, logits, aims),
  },
} as const satisfies Readonly<Record<string, Loss>>;

export type LossName = keyof typeof losses;

/**
 * @throws LOSS_CLASSES when the loss is not defined for so few classes
 */
export function lossOf(name: LossName, classes: number): Loss {
  const loss = losses[name];
  if (classes >= loss.classes) return loss;
  throw new AssayError(
    "LOSS_CLASSES",
    `the loss "${name}" needs ${loss.classes} classes, the model has ${classes}`,
    'Use "cross-entropy" or "margin" for models of few classes.',
  );
}

/**
 * Cross-entropy of each sample: logits [N, classes] and int64 labels [N] give
 * losses [N]. Stable for any finite logits (log-softmax).
 */
export function crossEntropy(
  b: GraphBuilder,
  logits: string,
  labels: string,
): string {
  const logProbabilities = b.op("LogSoftmax", [logits], { axis: int(-1) });
  return b.op("Neg", [pick(b, logProbabilities, labels)]);
}

/** Cross-entropy with a distribution, both [N, classes]: [N]. */
export function distributionCrossEntropy(
  b: GraphBuilder,
  logits: string,
  distribution: string,
): string {
  const logProbabilities = b.op("LogSoftmax", [logits], { axis: int(-1) });
  return b.neg(b.reduceSum(b.mul(distribution, logProbabilities), [1]));
}

/** max over the other classes - z_y. */
function margin(b: GraphBuilder, logits: string, labels: string): string {
  const others = b.where(isClass(b, logits, labels), -1e30, logits);
  const highest = b.op("ReduceMax", [others, b.ints([1])], {
    keepdims: int(0),
  });
  return b.sub(highest, pick(b, logits, labels));
}

/** The mean of each row. */
const meanOf = (b: GraphBuilder, values: string) =>
  b.op("ReduceMean", [values, b.ints([1])], { keepdims: int(0) });

/** The value of one class in each row. */
const pick = (b: GraphBuilder, values: string, classes: string) =>
  b.reduceSum(b.mul(values, b.mask(isClass(b, values, classes), values)), [1]);

/** Whether each column is that of the row's class: [N, classes]. */
export function isClass(
  b: GraphBuilder,
  values: string,
  classes: string,
): string {
  const count = b.squeeze(b.op("Shape", [values], { start: int(1) }), [0]);
  const columns = b.op("Range", [
    b.scalar(0, "int64"),
    count,
    b.scalar(1, "int64"),
  ]);
  return b.equal(b.unsqueeze(classes, [1]), columns);
}

/** The largest values of each row, each [N]. */
function largest(b: GraphBuilder, values: string, count: number): string[] {
  const [sorted = ""] = b.many("TopK", [values, b.ints([count])], {}, 2);
  return Array.from({ length: count }, (_, i) =>
    b.squeeze(b.slice(sorted, [i], [i + 1], [1]), [1]),
  );
}
