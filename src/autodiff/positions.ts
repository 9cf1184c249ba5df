import { AssayError } from "#core";
import { type GraphBuilder, int } from "#onnx";
import { type PickPlaces, picksPlaces } from "./picked-places.ts";

/** Outputs by position beside what is right there. */
export interface ByPosition {
  readonly classes: number;
  readonly positions: number;
  /** Logits [N, classes, positions]. */
  readonly logits: string;
  /** Whether each class is the right one, in the same shape. */
  readonly isRight: string;
  /** 1 where a position counts, else 0: [N, positions]. */
  readonly counted: string;
}

/**
 * Takes outputs apart.
 *
 * @param outputs [N, classes x positions], class by class
 * @param targets [N, positions], the class of each; one below 0 does not count
 * @throws SHAPE_UNKNOWN
 */
export function byPosition(
  b: GraphBuilder,
  outputs: string,
  targets: string,
): ByPosition {
  const positions = sizeOfRow(b, targets);
  const classes = sizeOfRow(b, outputs) / positions;
  const numbers = b.constant({
    type: "float32",
    dims: [1, classes, 1],
    data: Float32Array.from({ length: classes }, (_, k) => k),
  });
  return {
    classes,
    positions,
    logits: b.reshape(outputs, [-1, classes, positions]),
    isRight: b.equal(b.unsqueeze(targets, [1]), numbers),
    counted: b.mask(b.atLeast(targets, 0), outputs),
  };
}

/** Mean over the positions that count of -log softmax(z)_y: [N]. */
export function positionCrossEntropy(
  b: GraphBuilder,
  outputs: string,
  targets: string,
): string {
  const positions = sizeOfRow(b, targets);
  const classes = sizeOfRow(b, outputs) / positions;
  const pick = picksPlaces(b, outputs, classes, positions);
  if (pick) return tokenCrossEntropy(b, pick, targets, positions);
  const { logits, isRight, counted } = byPosition(b, outputs, targets);
  const logs = b.op("LogSoftmax", [logits], { axis: int(1) });
  const right = b.reduceSum(b.mul(logs, b.mask(isRight, logs)), [1, 2]);
  const count = b.op("Max", [b.reduceSum(counted, [1]), b.scalar(1)]);
  return b.div(b.neg(right), count);
}

/** The positions that count, one behind the other. */
export interface CountedPlaces {
  /** 1 where a position counts, else 0: [N, positions]. */
  readonly counted: string;
  /** The sample of each, int64 [K]. */
  readonly samples: string;
  /** Its place among the positions of all samples, int64 [K]. */
  readonly places: string;
  /** Its class, int64 [K]. */
  readonly wanted: string;
}

/** @param targets [N, positions], the class of each; one below 0 does not count */
export function countedPlaces(
  b: GraphBuilder,
  targets: string,
  positions: number,
): CountedPlaces {
  const counted = b.mask(b.atLeast(targets, 0), targets);
  const found = b.op("NonZero", [counted]);
  const along = (axis: number) =>
    b.reshape(b.slice(found, [axis], [axis + 1], [0]), [-1]);
  const samples = along(0);
  const whole = b.mul(samples, b.scalar(positions, "int64"));
  const places = b.add(whole, along(1));
  const wanted = b.op("Gather", [b.reshape(targets, [-1]), places]);
  return { counted, samples, places, wanted: b.cast(wanted, "int64") };
}

/** The same where only the positions that count are looked at. */
function tokenCrossEntropy(
  b: GraphBuilder,
  pick: PickPlaces,
  targets: string,
  positions: number,
): string {
  const { samples, places, wanted } = countedPlaces(b, targets, positions);
  const logs = b.op("LogSoftmax", [pick(places)], { axis: int(-1) });
  const right = b.op("GatherElements", [logs, b.unsqueeze(wanted, [1])], {
    axis: int(1),
  });
  const all = b.squeeze(b.slice(b.shapeOf(targets), [0], [1], [0]), [0]);
  const zero = b.scalar(0, "int64");
  const numbers = b.op("Range", [zero, all, b.scalar(1, "int64")]);
  // Whether each token is of each sample: [N, K].
  const isOf = b.mask(
    b.equal(b.unsqueeze(numbers, [1]), b.unsqueeze(samples, [0])),
    logs,
  );
  const sum = b.reduceSum(b.mul(isOf, b.reshape(right, [1, -1])), [1]);
  const count = b.op("Max", [b.reduceSum(isOf, [1]), b.scalar(1)]);
  return b.div(b.neg(sum), count);
}

function sizeOfRow(b: GraphBuilder, value: string): number {
  const [, size] = b.rankedDims(value);
  if (typeof size === "number") return size;
  throw new AssayError(
    "SHAPE_UNKNOWN",
    `the number of outputs of "${value}" is not known`,
    "Export the model with fixed input sizes.",
  );
}
