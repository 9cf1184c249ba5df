import { AssayError } from "#core";
import {
  attribute,
  axisOf,
  type Dim,
  type Graph,
  type GraphBuilder,
  int,
  ints,
  type Node,
  shapeText,
  sizeOf,
} from "#onnx";
import { makersOf } from "../ancestry.ts";
import { isPlaced, type PlacedTask, type Task } from "../tasks/index.ts";
import type { Source } from "./found.ts";
import { logOf, sharesIn } from "./shares.ts";

/** Outputs by position, found. */
interface Positions {
  /** [N, classes, positions]. */
  readonly logits: string;
  /** With the axis of the classes and the shape of the positions. */
  readonly task: PlacedTask;
  readonly source: Pick<Source, "from" | "shares">;
}

/** What is known of outputs by position before they are looked at. */
interface Stated {
  readonly task: PlacedTask;
  readonly classes?: readonly string[];
  /** The shape of one sample. */
  readonly shape: readonly number[];
  readonly file: string;
}

/**
 * The logits of each position, from outputs [N, classes, ...] or [N, ..., classes]:
 * what goes into a Softmax or LogSoftmax over the classes, and into the Sigmoid of a
 * single output at each position, which is that of two classes. Of sequences (CTC) they
 * may be [steps, N, classes], and the blank comes to be the first class.
 *
 * @throws MODEL_OUTPUT
 */
export function positionsOf(
  graph: Graph,
  b: GraphBuilder,
  output: string,
  { task, classes, shape, file }: Stated,
): Positions {
  const dims = b.dims(output) ?? [];
  const refuse = (what: string, hint: string): never => {
    throw new AssayError(
      "MODEL_OUTPUT",
      `${file}: output "${output}" has shape ${shapeText(dims)}, ${what}`,
      hint,
    );
  };
  if (dims.length < 3 && task.kind === "lm")
    refuse(
      "expected the logits of the next token, [batch, length, tokens]",
      "Export a causal language model without its cache (use_cache=False).",
    );
  if (dims.length < 3)
    refuse(
      "expected [batch, classes, ...] or [batch, ..., classes]",
      "Name the output with a class at each position (output:), or state the task that the model has.",
    );
  const isCtc = task.kind === "ctc";
  if (isCtc && dims.length > 3)
    refuse(
      "expected one axis of steps beside the batch and the classes",
      "Export it as [batch, steps, classes].",
    );
  const stepsFirst = isCtc && (task.stepsFirst ?? typeof dims[0] === "number");
  const batch = stepsFirst ? 1 : 0;
  if (typeof dims[batch] === "number")
    refuse(
      "and its batch is not first, as of sequences without an alignment (CTC)",
      "State task: { kind: ctc } for these; otherwise export it as [batch, length, classes].",
    );
  const axis = stepsFirst
    ? 2
    : classAxis(dims, { task, classes, shape }, (at) =>
        endAt(graph, output, at, b),
      );
  if (axis === undefined)
    return refuse(
      `and ${classes ? `${classes.length} classes may lie` : "classes may lie"} along either end, or along none`,
      "State classes, and axis: first or axis: last in the task.",
    );
  const places = dims.filter((_, i) => i !== batch && i !== axis);
  if (!places.every((d) => typeof d === "number"))
    refuse(
      "and its positions are not known",
      "State input.shape, or export the model with a fixed size.",
    );
  const end = endAt(graph, output, axis, b);
  const count = dims[axis];
  const isOne = count === 1;
  if (end?.op === "Sigmoid" && !isOne)
    refuse(
      "a Sigmoid of each: labels that hold by themselves at each position",
      "Only one class at each position is audited; export the model with a Softmax over its classes, or with its logits.",
    );
  if (isOne && (isCtc || (end && end.op !== "Sigmoid")))
    refuse("one class, whatever the input", "Export a logit for each class.");
  const inside = end ? undefined : sharesIn(graph, b, output);
  const logits = end
    ? before(b, end)
    : inside
      ? logOf(b, output, isOne)
      : output;
  const turned = stepsFirst
    ? b.transpose(logits, [1, 2, 0])
    : axis === 1
      ? logits
      : b.transpose(logits, toFront(dims));
  const flat = b.op("Reshape", [turned, b.ints([0, 0, -1])]);
  if (isCtc && !(task.blank < Number(count)))
    refuse(
      `and no output ${task.blank} to be the blank`,
      "State blank, counted from 0, in the task.",
    );
  const ordered = isCtc ? blankFirst(b, flat, task.blank, Number(count)) : flat;
  const found = {
    axis: axis === 1 ? ("first" as const) : ("last" as const),
    shape: places as number[],
  };
  return {
    logits: isOne ? twoClasses(b, flat) : ordered,
    task: isCtc
      ? { ...task, ...found, stepsFirst, shape: [Number(places[0])] }
      : { ...task, ...found },
    source: {
      shares: isOne && (end !== undefined || inside !== undefined),
      from: isOne
        ? "one logit"
        : end
          ? cutAt[end.op]
          : inside
            ? "probabilities"
            : "output",
    },
  };
}

/** [N, classes, steps] with the blank as the first class. */
function blankFirst(
  b: GraphBuilder,
  logits: string,
  blank: number,
  classes: number,
): string {
  if (blank === 0) return logits;
  const others = Array.from({ length: classes }, (_, k) => k).filter(
    (k) => k !== blank,
  );
  return b.op("Gather", [logits, b.ints([blank, ...others])], { axis: int(1) });
}

/** The logits of two classes from that of the second, [N, 1, positions]. */
const twoClasses = (b: GraphBuilder, z: string): string =>
  b.concat([b.mul(z, -0.5), b.mul(z, 0.5)], 1);

/**
 * What a file gives at positions of this task, in rows as they come, as [N, classes,
 * positions].
 *
 * @param each numbers at each position
 */
export function placed(
  b: GraphBuilder,
  rows: string,
  task: PlacedTask,
  each: number,
): string {
  const { axis, shape = [] } = task;
  const all = sizeOf(shape);
  const logits =
    axis === "last"
      ? b.transpose(b.reshape(rows, [-1, all, each]), [0, 2, 1])
      : b.reshape(rows, [-1, each, all]);
  if (task.kind === "ctc") return blankFirst(b, logits, task.blank, each);
  return each === 1 ? twoClasses(b, logits) : logits;
}

/** [N, classes, positions] as [N, classes x positions]. */
export const inRows = (b: GraphBuilder, logits: string): string =>
  b.op("Flatten", [logits], { axis: int(1) });

/** How many classes a row of so many outputs has. */
export function classCount(
  dims: readonly Dim[] | undefined,
  task: Task | undefined,
): Dim | undefined {
  const [, width, ...more] = dims ?? [];
  if (!isPlaced(task) || more.length > 0) return width;
  return typeof width === "number" && task.shape
    ? width / sizeOf(task.shape)
    : undefined;
}

/** The axis of the classes; undefined where it cannot be told. */
function classAxis(
  dims: readonly Dim[],
  {
    task: { axis, kind },
    classes,
    shape,
  }: Pick<Stated, "task" | "classes" | "shape">,
  endOver: (axis: number) => unknown,
): number | undefined {
  const [first, last] = [1, dims.length - 1];
  if (axis !== undefined) return axis === "first" ? first : last;
  // Nothing else tells steps from classes where neither is known.
  if (kind === "ctc" && !classes)
    return [first, last].find((at) => endOver(at)) ?? last;
  // Positions are those of the input most often: of an image without its channels, of a
  // series along either axis.
  const ofInput =
    shape.length === 2 ? shape.map((d) => [d]) : [shape.slice(-2)];
  const isPlace = (at: number) => {
    const places = dims.slice(1).filter((_, i) => i + 1 !== at);
    return ofInput.some((of) => of.join() === places.join());
  };
  const fits = (at: number) =>
    classes
      ? dims[at] === classes.length || (dims[at] === 1 && classes.length === 2)
      : isPlace(at);
  const found = [first, last].filter(fits);
  if (found.length === 1) return found[0];
  const placed = found.filter(isPlace);
  return placed.length === 1 ? placed[0] : undefined;
}

const toFront = (dims: readonly Dim[]): number[] => [
  0,
  dims.length - 1,
  ...dims.slice(1, -1).map((_, i) => i + 1),
];

/** What leaves the order of numbers as it is. */
const keeps: ReadonlySet<string> = new Set("Cast Clip Identity".split(" "));

/** What logits are of an output that ends in an operator. */
const cutAt = {
  Softmax: "softmax",
  LogSoftmax: "log-softmax",
  Sigmoid: "sigmoid",
} as const;

interface End {
  readonly op: keyof typeof cutAt;
  readonly input: string;
  /** Transposes behind it, the first of them first. */
  readonly turns: readonly (readonly number[])[];
}

/** The Softmax or LogSoftmax over the classes, or the Sigmoid, that ends a model. */
function endAt(
  graph: Graph,
  output: string,
  axis: number,
  b: GraphBuilder,
): End | undefined {
  const makers = makersOf(graph);
  const rank = b.rankedDims(output).length;
  const turns: number[][] = [];
  let at = axis;
  let node: Node | undefined = makers.get(output);
  while (
    node?.domain === "" &&
    (keeps.has(node.op) || node.op === "Transpose")
  ) {
    if (node.op === "Transpose") {
      const backwards = Array.from({ length: rank }, (_, i) => rank - 1 - i);
      const order: readonly number[] = attribute(
        node,
        "perm",
        "ints",
        backwards,
      );
      turns.unshift([...order]);
      at = order[at] ?? at;
    }
    node = makers.get(node.inputs[0] ?? "");
  }
  if (node?.domain !== "") return undefined;
  const { op, inputs } = node;
  if (op !== "Sigmoid" && op !== "Softmax" && op !== "LogSoftmax")
    return undefined;
  const over = axisOf(attribute(node, "axis", "int", -1), rank);
  return op === "Sigmoid" || over === at
    ? { op, input: inputs[0] ?? "", turns }
    : undefined;
}

/** What goes into the end of a model, turned as its output is. */
const before = (b: GraphBuilder, { input, turns }: End): string =>
  turns.reduce(
    (value, perm) => b.op("Transpose", [value], { perm: ints(perm) }),
    input,
  );
