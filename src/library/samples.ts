import { checkFits, checkTargets } from "#audit";
import { AssayError } from "#core";
import { type Dataset, dataset } from "#data";
import { isPositioned, type Model, meaningOf, outputsOf } from "#model";
import type { FloatTensor } from "#onnx";
import type { Table } from "#tables";

/** Samples with what is right of them, as arrays. */
export interface Samples {
  /** [N, ...shape], in the unit of the model's input bounds. */
  readonly x: FloatTensor;
  /** N class indices; left out where there are targets. */
  readonly y?: ArrayLike<number>;
  /**
   * Of a model of labels or values what its outputs should be [N, outputs]; of one that
   * answers at positions the class at each [N, positions], -1 where none counts.
   */
  readonly targets?: FloatTensor;
  /** Which rows there can be, of a dataset that was read. */
  readonly table?: Table;
}

/**
 * Samples as a dataset that fits a model.
 *
 * @param what the argument, in messages
 * @throws INPUT_SHAPE, INPUT_VALUE, INPUT_LABEL; DATA_SHAPE, DATA_BOUNDS,
 *   DATA_CLASSES, DATA_TARGETS for a dataset of something else
 */
export function samplesFor(data: Dataset | Samples, model: Model): Dataset {
  if ("fingerprint" in data) {
    checkFits(data, model, model.classes, "the model");
    checkTargets(model, data, "the model");
    requireSome(data.y.length);
    return data;
  }
  requireInput(data.x, model);
  requireInBounds(data.x, model);
  const { y, targets } = rightOf(data, model);
  const { task } = model;
  const shape = task && isPositioned(task) ? task.shape : undefined;
  const { x, table } = data;
  return dataset(
    "samples",
    x,
    y,
    model.classes,
    targets,
    table,
    undefined,
    undefined,
    targets && shape,
  );
}

/**
 * Refuses what a model does not take.
 *
 * @throws INPUT_SHAPE, INPUT_VALUE
 */
export function requireInput(x: FloatTensor, { contract }: Model): void {
  const { shape } = contract;
  const [n = 0, ...own] = x.dims;
  if (own.join() !== shape.join())
    throw new AssayError(
      "INPUT_SHAPE",
      `x has the shape [${x.dims.join(", ")}], the model takes [N, ${shape.join(", ")}]`,
      "Bring the samples to that shape: floats([n, ...shape], numbers).",
    );
  requireSome(n);
  const bad = x.data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    throw new AssayError(
      "INPUT_VALUE",
      `sample ${sampleOf(bad, x)} has the value ${x.data[bad]}, expected finite numbers`,
      "Remove the sample, or correct it.",
    );
}

function requireSome(n: number): void {
  if (n === 0)
    throw new AssayError(
      "INPUT_SHAPE",
      "there are no samples",
      "Give at least one.",
    );
}

function requireInBounds(x: FloatTensor, { contract }: Model): void {
  const [low, high] = contract.bounds.map(Math.fround) as [number, number];
  const bad = x.data.findIndex((v) => v < low || v > high);
  if (bad < 0) return;
  throw new AssayError(
    "INPUT_VALUE",
    `sample ${sampleOf(bad, x)} has the value ${x.data[bad]}, the model's bounds are ${low} to ${high}`,
    "Scale the samples, or state the bounds when the model is loaded: loadModel(path, { input: { bounds: [low, high] } }).",
  );
}

const sampleOf = (at: number, { data, dims }: FloatTensor): number =>
  Math.floor(at / (data.length / (dims[0] ?? 1)));

/**
 * What is right of samples, in the form in which a model's task has it.
 *
 * @throws INPUT_LABEL
 */
export function rightOf(
  { x, y, targets }: Samples,
  model: Model,
): { y: Int32Array; targets?: FloatTensor } {
  const n = x.dims[0] ?? 0;
  const meaning = meaningOf(model);
  if (meaning.targets) {
    requireTargets(targets, n, model);
    return { y: new Int32Array(n), targets };
  }
  const { classes } = meaning;
  if (!y || targets)
    throw refused(
      `${targets ? "targets were given" : "y is missing"}, and the model is a classifier`,
      "Give y: the index of the class of each sample.",
    );
  if (y.length !== n)
    throw refused(
      `x has ${n} samples and y has ${y.length} labels`,
      "Give a label for each sample.",
    );
  const bad = Array.from(y).findIndex(
    (k) => !(Number.isInteger(k) && k >= 0 && k < classes),
  );
  if (bad >= 0)
    throw refused(
      `sample ${bad} has the label ${y[bad]}, the model has the classes 0 to ${classes - 1}`,
      `They are, in order: ${model.classes.slice(0, 10).join(", ")}.`,
    );
  return { y: Int32Array.from(Array.from(y)) };
}

function requireTargets(
  targets: FloatTensor | undefined,
  n: number,
  model: Model,
): void {
  const { kind } = model.task as NonNullable<Model["task"]>;
  const outputs = outputsOf(model);
  const width = meaningOf(model).targetWidth?.(outputs) ?? outputs;
  const wanted = `[${n}, ${width}]`;
  if (!targets)
    throw refused(
      `targets are missing, and the task of the model is ${kind}`,
      `Give targets of shape ${wanted}.`,
    );
  const seen = `[${targets.dims.join(", ")}]`;
  if (seen !== wanted)
    throw refused(
      `targets have the shape ${seen}, expected ${wanted}`,
      "Give a row for each sample.",
    );
  const bad = targets.data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    throw refused(
      `sample ${Math.floor(bad / width)} has the target ${targets.data[bad]}, expected finite numbers`,
      "Remove the sample, or correct it.",
    );
}

const refused = (message: string, hint: string) =>
  new AssayError("INPUT_LABEL", message, hint);
