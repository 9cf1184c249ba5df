import { checkArgument, SHARES } from "#audit";
import { Random } from "#core";
import {
  type DataSpecInput,
  type Dataset,
  dataSpecSchema,
  dataset as datasetOf,
  loadDataset,
  type Shares,
  splitDataset,
  stratifiedSample,
  type Texts,
  takeSamples,
  validate,
} from "#data";
import type { FloatTensor } from "#onnx";
import type { Table } from "#tables";

/**
 * Reads and checks a dataset: the built-in digits, or files of images, arrays, tables
 * or texts, as `data` of a suite states it.
 *
 * @param spec such as `{ source: "npz", path: "data.npz" }`; docs/data.md lists all
 * @param folder where relative paths start; the working directory when left out
 * @returns numbers in [0, 1] [N, ...shape], or token ids of texts [N, length]
 * @throws ARGUMENT_INVALID for a spec that says nothing known; errors that name the
 *   file and the sample where something is wrong with it
 * @example
 * ```ts
 * import { loadData } from "assay";
 *
 * const { x, classes } = await loadData({ source: "digits" });
 * console.log(x.dims, classes.length); // [ 1797, 1, 8, 8 ] 10
 * ```
 */
export const loadData = async (
  spec: DataSpecInput,
  folder = ".",
): Promise<Dataset> =>
  loadDataset(checkArgument(spec, "spec", dataSpecSchema), folder);

/** What a dataset is made of. */
export interface DatasetInput {
  /** What messages and reports call it. */
  readonly name: string;
  /** [N, ...shape], such as [N, C, H, W], in [0, 1]; token ids of texts [N, length]. */
  readonly x: FloatTensor;
  /** N indices into `classes`; left out where there are targets. */
  readonly y?: ArrayLike<number>;
  /** Names of the classes, or of the columns of `targets`. */
  readonly classes: readonly string[];
  /** [N, outputs]: labels that hold (1) or do not (0), or values. */
  readonly targets?: FloatTensor;
  /** What numbers of a row mean, and which rows there can be, of data that was read. */
  readonly table?: Table;
  /** What token ids were made of, of data that was read. */
  readonly texts?: Texts;
}

/**
 * A dataset from arrays, which are kept and not copied. Not every class needs a sample.
 *
 * @throws DATA_COUNT, DATA_LABEL, DATA_CLASSES, DATA_VALUE, DATA_EMPTY
 * @example
 * ```ts
 * import { dataset, floats } from "assay";
 *
 * const data = dataset({
 *   name: "two points",
 *   x: floats([2, 3], [0, 0.5, 1, 1, 0.5, 0]),
 *   y: [0, 1],
 *   classes: ["up", "down"],
 * });
 * console.log(data.y.length); // 2
 * ```
 */
export function dataset({
  name,
  x,
  classes,
  targets,
  table,
  texts,
  ...input
}: DatasetInput): Dataset {
  const n = x.dims[0] ?? 0;
  const y = Int32Array.from(
    input.y ? Array.from(input.y, whole) : targets ? new Array(n).fill(0) : [],
  );
  validate(
    {
      name,
      x,
      y,
      classes,
      targets,
      texts,
      locate: (_, sample) =>
        sample === undefined ? name : `${name}: sample ${sample}`,
    },
    { mayLackClasses: true },
  );
  return datasetOf(name, x, y, classes, targets, table, texts);
}

/** A label that Int32Array does not round to another one. */
const whole = (label: number): number => (Number.isInteger(label) ? label : -1);

/**
 * Splits a dataset as it says itself, or by chance, class by class. The same seed gives
 * the parts that a suite with that seed and split has.
 *
 * @param shares each in [0, 1], at most 1 together; 0.6, 0.15 and 0.25 when left out
 * @param seed a whole number
 * @throws DATA_SPLIT_SHARES; DATA_SPLIT_CLASS for a class that gets no sample in a part
 * @example
 * ```ts
 * import { loadData, splitData } from "assay";
 *
 * const parts = splitData(await loadData({ source: "digits" }));
 * console.log(parts.train.y.length, parts.test.y.length); // 1078 450
 * ```
 */
export const splitData = (
  data: Dataset,
  shares: Shares = SHARES,
  seed = 0,
): { train: Dataset; validation: Dataset; test: Dataset } =>
  splitDataset(data, shares, new Random(seed).fork("split target"));

/**
 * Samples drawn by chance, each class in proportion to its size, in the order of the
 * data. Of the test part they are those that a suite with that seed attacks.
 *
 * @param count whole, from 1 to the number of samples
 * @param seed a whole number
 * @throws DATA_SAMPLE_COUNT
 * @example
 * ```ts
 * import { loadData, sampleData } from "assay";
 *
 * const few = sampleData(await loadData({ source: "digits" }), 50);
 * console.log(few.x.dims); // [ 50, 1, 8, 8 ]
 * ```
 */
export const sampleData = (data: Dataset, count: number, seed = 0): Dataset =>
  takeSamples(
    data,
    stratifiedSample(data, count, new Random(seed).fork("attacked")),
  );
