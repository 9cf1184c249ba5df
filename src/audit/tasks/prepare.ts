import { Random, UsageError } from "#core";
import {
  type DataSpec,
  type Dataset,
  loadDataset,
  type Shares,
  selectClasses,
  splitByFiles,
  splitDataset,
  stratifiedSample,
  takeHeld,
  takeSamples,
  withBlank,
} from "#data";
import { type LoadedSuite, QUICK_PART } from "../suite/index.ts";
import { requireSameUnits } from "./fits.ts";
import { prepareTasks } from "./labelled.ts";
import type { Parts, PreparedData } from "./parts.ts";
import { shifted } from "./shift.ts";

/** Reads the data of a suite, picks the classes of each task and splits them. */
export async function prepareData(loaded: LoadedSuite): Promise<PreparedData> {
  const { suite, folder, units, smoke } = loaded;
  const read = (spec: DataSpec) => loadDataset(spec, folder, units.sources);
  const random = new Random(suite.seed);
  const { all, shares } = divided(await read(suite.data), loaded);
  const split = (data: Dataset, task: string) => {
    const parts = splitDataset(data, shares, random.fork(`split ${task}`));
    if (!smoke?.quick) return parts;
    return mapParts(parts, (part, name) =>
      some(part, random.fork(`quick ${task} ${name}`)),
    );
  };
  const { classes, task } = suite;
  const ofTask = (data: Dataset) => {
    const chosen = classes ? selectClasses(data, classes) : data;
    return task?.kind === "ctc" ? withBlank(chosen, task.most) : chosen;
  };
  const unshifted = split(ofTask(all), "target");
  const target = mapParts(unshifted, (part, name) =>
    suite.shift.length > 0
      ? shifted(part, suite.shift, random.fork(`shift ${name}`))
      : part,
  );
  const source = suite.sourceData && ofTask(await read(suite.sourceData));
  if (source) requireSameUnits(all, source, "sourceData");
  const sourceDomain = source
    ? split(source, "domain")
    : suite.shift.length > 0
      ? unshifted
      : null;
  const count = Math.min(suite.samples, target.test.y.length);
  const rows = stratifiedSample(target.test, count, random.fork("attacked"));
  // What is attacked is read at every step.
  const attacked = takeHeld(target.test, rows);
  const sourceTest = sourceDomain?.test;
  return {
    source: suite.data.source,
    target,
    sourceDomain,
    sourceAttacked:
      sourceTest === undefined
        ? null
        : takeHeld(
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
    tasks: await prepareTasks(loaded, { target, attacked }, shares, random),
  };
}

/** As much of a part as a quick run looks at. */
function some(part: Dataset, random: Random): Dataset {
  if (part.y.length <= QUICK_PART) return part;
  return takeSamples(part, stratifiedSample(part, QUICK_PART, random));
}

/** Of samples without a split of their own, when the suite states none. */
export const SHARES: Shares = { train: 0.6, validation: 0.15, test: 0.25 };

/**
 * The data with the split that files of the suite state, and the shares of what has
 * none.
 *
 * @throws SUITE_INVALID where data and suite each have a split
 */
function divided(
  data: Dataset,
  { suite: { split }, folder, file }: LoadedSuite,
): { all: Dataset; shares: Shares } {
  if (split && data.parts)
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: split: ${data.name} is split by its folders or by a column`,
      "Leave split out, or the split of the data.",
    );
  if (!split) return { all: data, shares: SHARES };
  return isShares(split)
    ? { all: data, shares: split }
    : { all: splitByFiles(data, split, folder), shares: SHARES };
}

const isShares = (
  split: NonNullable<LoadedSuite["suite"]["split"]>,
): split is Extract<typeof split, Shares> => typeof split.train === "number";

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
