import { AssayError, Random, UsageError } from "#core";
import {
  type Dataset,
  loadDataset,
  selectClasses,
  splitDataset,
  stratifiedSample,
  takeSamples,
} from "#data";
import { areLabels, embeddingTable, type Model, meaningOf } from "#model";
import { shifted } from "./shift.ts";
import type { LoadedSuite } from "./suite.ts";
import { prepareTasks, type TaskData } from "./tasks.ts";

/** A dataset in the three parts of a suite. */
export interface Parts {
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly test: Dataset;
}

/** What candidates are tuned and judged on. */
export interface Judged {
  readonly target: Parts;
  /** The test samples that are attacked. */
  readonly attacked: Dataset;
}

/** The data of a run, of its target task first of all. */
export interface PreparedData extends Judged {
  readonly source: string;
  /** Labelled data of the source domain, with the classes of the target; null when the suite has one domain. */
  readonly sourceDomain: Parts | null;
  /** As many test samples of the source domain as of the target are attacked: the same ones where the target is a shift of them. Null where the suite has one domain. */
  readonly sourceAttacked: Dataset | null;
  /** The source task that the base is pre-trained on, when it is. */
  readonly pretraining: Parts | null;
  /** Further tasks that candidates learn beside, by name. */
  readonly tasks: ReadonlyMap<string, TaskData>;
}

/** Reads the data of a suite, picks the classes of each task and splits them. */
export async function prepareData(loaded: LoadedSuite): Promise<PreparedData> {
  const { suite, folder } = loaded;
  const all = await loadDataset(suite.data, folder);
  const random = new Random(suite.seed);
  const split = (data: Dataset, task: string) =>
    splitDataset(data, suite.split, random.fork(`split ${task}`));
  const ofTask = (data: Dataset) =>
    suite.classes ? selectClasses(data, suite.classes) : data;
  const unshifted = split(ofTask(all), "target");
  const target = mapParts(unshifted, (part, name) =>
    suite.shift.length > 0
      ? shifted(part, suite.shift, random.fork(`shift ${name}`))
      : part,
  );
  const sourceDomain = suite.sourceData
    ? split(ofTask(await loadDataset(suite.sourceData, folder)), "domain")
    : suite.shift.length > 0
      ? unshifted
      : null;
  const count = Math.min(suite.samples, target.test.y.length);
  const rows = stratifiedSample(target.test, count, random.fork("attacked"));
  const attacked = takeSamples(target.test, rows);
  const sourceTest = sourceDomain?.test;
  return {
    source: suite.data.source,
    target,
    sourceDomain,
    sourceAttacked:
      sourceTest === undefined
        ? null
        : takeSamples(
            sourceTest,
            sourceDomain === unshifted
              ? rows
              : stratifiedSample(
                  sourceTest,
                  Math.min(count, sourceTest.y.length),
                  random.fork("attacked source"),
                ),
          ),
    pretraining: suite.base?.pretrain
      ? pretrainingOf(suite.base.classes, all, sourceDomain, split)
      : null,
    attacked,
    tasks: await prepareTasks(loaded, { target, attacked }, random),
  };
}

const mapParts = (
  parts: Parts,
  change: (part: Dataset, name: string) => Dataset,
): Parts => ({
  train: change(parts.train, "train"),
  validation: change(parts.validation, "validation"),
  test: change(parts.test, "test"),
});

/** What a base is pre-trained on: the source domain, or other classes of the data. */
function pretrainingOf(
  classes: readonly string[] | undefined,
  all: Dataset,
  sourceDomain: Parts | null,
  split: (data: Dataset, task: string) => Parts,
): Parts {
  if (sourceDomain) {
    return classes
      ? mapParts(sourceDomain, (part) => selectClasses(part, classes))
      : sourceDomain;
  }
  if (classes) return split(selectClasses(all, classes), "source");
  throw new UsageError(
    "SUITE_INVALID",
    "base.pretrain has no classes of a source task, and the suite no source domain",
    "State base.classes, sourceData or shift.",
  );
}

/** Refuses data that a model cannot take. */
export function checkFits(
  data: Dataset,
  { graph, embedding, contract: { shape, bounds } }: Model,
  classes: readonly string[],
  model: string,
): void {
  const seen = data.x.dims.slice(1);
  if (seen.join() !== shape.join()) {
    throw new AssayError(
      "DATA_SHAPE",
      `${model} takes inputs of shape [${shape.join(", ")}], the data has [${seen.join(", ")}]`,
      "Set data.size and data.channels, or use the data that the model was made for.",
    );
  }
  if (embedding) checkTokens(data, graph, embedding, model);
  else if (data.x.data.some((v) => v > 1)) {
    throw new AssayError(
      "DATA_SHAPE",
      `${model} takes numbers, ${data.name} is of token ids`,
      "Use a text model, whose input is int64 or int32, or other data.",
    );
  } else if (bounds[0] > 0 || bounds[1] < 1) {
    throw new AssayError(
      "DATA_BOUNDS",
      `${model} takes values in [${bounds.join(", ")}], the data is in [0, 1]`,
      "Set input.bounds to [0, 1] and describe the model's own range with input.scale, input.mean and input.std.",
    );
  }
  if (classes.length !== data.classes.length) {
    throw new UsageError(
      "DATA_CLASSES",
      `${model} has ${classes.length} classes (${classes.join(", ")}), the task has ${data.classes.length} (${data.classes.join(", ")})`,
      "State classes in the suite: one name for each output of the model, in its order.",
    );
  }
}

/** Refuses token ids that are not in a model's table of embeddings. */
function checkTokens(
  { x }: Dataset,
  graph: Model["graph"],
  embedding: string,
  model: string,
): void {
  const known = embeddingTable(graph, embedding)?.dims[0] ?? Infinity;
  const bad = x.data.find((v) => !(Number.isInteger(v) && v < known));
  if (bad !== undefined)
    throw new AssayError(
      "DATA_TOKENIZER",
      `${model} knows the tokens 0 to ${known - 1}, the data has ${bad}`,
      "Use data with source: text and the tokenizer that was saved with the model.",
    );
}

/** Refuses data that says of its samples something else than a model does. */
export function checkTargets(
  { task, classes }: Model,
  { name, targets }: Dataset,
  model: string,
): void {
  const { targets: needed } = meaningOf({ task, classes });
  if (needed !== (targets !== undefined)) {
    throw new UsageError(
      "DATA_TARGETS",
      needed
        ? `${model} is a model of ${task?.kind}, ${name} has one class for each sample`
        : `${model} is a classifier, ${name} has a row of ${targets?.dims[1]} targets for each sample`,
      needed
        ? "Use data with a row of targets for each sample, or state task: { kind: classes }."
        : "State task: { kind: multi-label } or { kind: regression, tolerance: ... } in the suite, or use data of classes.",
    );
  }
  if (task?.kind === "multi-label" && targets && !areLabels(targets)) {
    throw new UsageError(
      "DATA_TARGETS",
      `${name} has targets other than 0 and 1, ${model} is a model of labels`,
      "Write 1 where a label holds and 0 where it does not, or state task: { kind: regression, tolerance: ... }.",
    );
  }
}

/** So many samples, spread over all: those that are attacked are in the order of their classes. */
export const evenly = ({ y }: Dataset, most: number): number[] => {
  const count = Math.min(most, y.length);
  return Array.from({ length: count }, (_, k) =>
    Math.floor((k * y.length) / count),
  );
};
