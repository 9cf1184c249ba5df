import { nearest, type Random, UsageError } from "#core";
import {
  type Dataset,
  dataset,
  loadDataset,
  type Shares,
  selectClasses,
  splitDataset,
  stratifiedSample,
  takeHeld,
  textsAt,
  withParts,
} from "#data";
import { rows, someRows } from "#onnx";
import type { LoadedSuite, TaskSpec } from "../suite/index.ts";
import { requireSameUnits } from "./fits.ts";
import type { Parts, TaskData } from "./parts.ts";

/** Reads and labels the data of the further tasks of a suite. */
export async function prepareTasks(
  { suite, folder, units }: LoadedSuite,
  main: Omit<TaskData, "rows">,
  shares: Shares,
  random: Random,
): Promise<ReadonlyMap<string, TaskData>> {
  const tasks = new Map<string, TaskData>();
  for (const [name, spec] of Object.entries(suite.tasks)) {
    const label = (data: Dataset) => relabelled(data, spec, name);
    if (!spec.data) {
      const { train, validation, test } = main.target;
      const parts = [train, validation, test, main.attacked].map(label);
      const [a, b, c, d] = parts as [Labelled, Labelled, Labelled, Labelled];
      tasks.set(name, {
        target: { train: a.data, validation: b.data, test: c.data },
        attacked: d.data,
        rows: { train: a.rows, validation: b.rows, attacked: d.rows },
      });
      continue;
    }
    const read = await loadDataset(spec.data, folder, units.sources);
    requireSameUnits(main.target.test, read, `tasks.${name}.data`);
    const chosen = spec.classes ? selectClasses(read, spec.classes) : read;
    const { data: labelled, rows } = label(chosen);
    const data = withParts(
      labelled,
      chosen.parts && rows.map((i) => chosen.parts![i]!),
    );
    const target: Parts = splitDataset(
      data,
      shares,
      random.fork(`split task ${name}`),
    );
    const count = Math.min(suite.samples, target.test.y.length);
    const sampled = stratifiedSample(
      target.test,
      count,
      random.fork(`attacked task ${name}`),
    );
    const attacked = takeHeld(target.test, sampled);
    tasks.set(name, { target, attacked, rows: null });
  }
  return tasks;
}

interface Labelled {
  readonly data: Dataset;
  /** Which samples have a label. */
  readonly rows: number[];
}

function relabelled(
  data: Dataset,
  { relabel }: TaskSpec,
  task: string,
): Labelled {
  const all = Array.from(data.y.keys());
  if (!relabel) return { data, rows: all };
  if ("above" in relabel) {
    const { above } = relabel;
    const share = (i: number) => {
      const { data: sample } = rows(data.x, i, i + 1);
      const bright = sample.reduce((n, v) => n + (v > above ? 1 : 0), 0);
      return bright / sample.length;
    };
    return { data: withValues(data, task, all, share), rows: all };
  }
  if (data.targets)
    throw new UsageError(
      "TASK_RELABEL",
      `tasks.${task}.relabel makes labels of classes, ${data.name} has several labels or values a sample`,
      "Use relabel: { above: ... }, or data of the task's own.",
    );
  const labelOf = new Map<number, number>();
  const labels =
    "values" in relabel
      ? relabel.values
      : [...relabel.classes.values()].flatMap((old, k) =>
          old.map((name): [string, number] => [name, k]),
        );
  for (const [name, label] of labels) {
    const k = data.classes.indexOf(name);
    if (k < 0 || labelOf.has(k)) throw badClass(name, k >= 0, data, task);
    labelOf.set(k, label);
  }
  const chosen = all.filter((i) => labelOf.has(data.y[i]!));
  const label = (i: number) => labelOf.get(data.y[i]!) as number;
  return {
    rows: chosen,
    data:
      "values" in relabel
        ? withValues(data, task, chosen, label)
        : dataset(
            data.name,
            someRows(data.x, chosen),
            Int32Array.from(chosen, label),
            [...relabel.classes.keys()],
            undefined,
            data.table,
            textsAt(data, chosen),
          ),
  };
}

/** Some samples, each with a value to be learned. */
const withValues = (
  data: Dataset,
  task: string,
  rows: readonly number[],
  value: (i: number) => number,
): Dataset =>
  dataset(
    data.name,
    someRows(data.x, rows),
    new Int32Array(rows.length),
    [task],
    {
      type: "float32",
      dims: [rows.length, 1],
      data: Float32Array.from(rows, value),
    },
    data.table,
    textsAt(data, rows),
  );

function badClass(
  name: string,
  twice: boolean,
  { classes }: Dataset,
  task: string,
): UsageError {
  const meant = nearest(name, classes);
  return new UsageError(
    "TASK_RELABEL",
    twice
      ? `tasks.${task}.relabel names class "${name}" twice`
      : `tasks.${task}.relabel names "${name}", which is no class of the data (${classes.join(", ")})`,
    meant && !twice ? `Did you mean "${meant}"?` : "Name each class once.",
  );
}
