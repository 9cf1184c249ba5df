import { z } from "zod";
import { nearest, type Random, UsageError } from "#core";
import {
  type Dataset,
  dataSpecSchema,
  dataset,
  loadDataset,
  selectClasses,
  splitDataset,
  stratifiedSample,
  takeSamples,
  textsAt,
} from "#data";
import { type Task, taskSchema } from "#model";
import { takeRows } from "#onnx";
import type { Judged, Parts, PreparedData } from "./prepare.ts";
import type { LoadedSuite } from "./suite.ts";

/** The name of the task of the suite's own data and classes. */
export const MAIN = "main";

/** How samples get other labels; those that get none are left out. */
const relabelSchema = z.union([
  z
    .strictObject({
      classes: z.record(z.string(), z.array(z.string()).min(1)),
    })
    .describe("Each new class with the classes that it is made of."),
  z
    .strictObject({ values: z.record(z.string(), z.number()) })
    .describe("A value for each class."),
  z
    .strictObject({ above: z.number() })
    .describe("The share of the numbers of a sample that are above this."),
]);

/** A further task that a candidate can learn beside the suite's own. */
export const taskSpecSchema = z
  .strictObject({
    /** Samples of its own; those of the suite when left out. */
    data: dataSpecSchema.optional(),
    /** Classes of its own data, or names of its outputs; all when left out. */
    classes: z.array(z.string()).min(1).optional(),
    relabel: relabelSchema.optional(),
    /** What its outputs mean, and when they are wrong; classes when left out. */
    task: taskSchema.optional(),
  })
  .refine((t) => t.data || t.relabel, {
    message: "state data, or relabel that of the suite",
  })
  .refine((t) => t.data || !t.classes, {
    path: ["classes"],
    message: "selects from data of the task's own, and it has none",
  });

type TaskSpec = z.output<typeof taskSpecSchema>;

/** Which of several tasks on one trunk an audited candidate is. */
export interface Member {
  readonly of: string;
  readonly task: string;
}

/** Whether names speak of a candidate, by its own or by one for all of its trainings or tasks; those that are left out speak of all. */
export function isNamed(
  names: readonly string[] | undefined,
  id: string,
  spec: {
    readonly replica: { readonly of: string } | null;
    readonly member: Member | null;
  },
): boolean {
  const own = [id, spec.replica?.of, spec.member?.of];
  return !names || names.some((name) => own.includes(name));
}

/** Candidates with one entry for each of their tasks: "multi" of main and parity becomes "multi.main" and "multi.parity". */
export function withMembers<C extends { tasks?: string[] | undefined }>(
  candidates: Readonly<Record<string, C>>,
  context: z.RefinementCtx,
): Record<string, C & { member: Member | null }> {
  type Entry = [string, C & { member: Member | null }];
  return Object.fromEntries(
    Object.entries(candidates).flatMap(([of, spec]): Entry[] => {
      if (!spec.tasks) return [[of, { ...spec, member: null }]];
      return spec.tasks.map((task) => {
        const id = `${of}.${task}`;
        if (id in candidates)
          context.addIssue({
            code: "custom",
            path: [id],
            message: `is also the name of task "${task}" of "${of}"`,
          });
        return [id, { ...spec, member: { of, task } }];
      });
    }),
  );
}

/** The samples of a task. */
export interface TaskData extends Judged {
  /** Which samples of the suite's data those of the training and validation parts are, and those that are attacked; null for data of its own. */
  readonly rows: Readonly<
    Record<"train" | "validation" | "attacked", number[]>
  > | null;
}

/** Reads and labels the data of the further tasks of a suite. */
export async function prepareTasks(
  { suite, folder }: LoadedSuite,
  main: Judged,
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
    const read = await loadDataset(spec.data, folder);
    const { data } = label(
      spec.classes ? selectClasses(read, spec.classes) : read,
    );
    const target: Parts = splitDataset(
      data,
      suite.split,
      random.fork(`split task ${name}`),
    );
    const count = Math.min(suite.samples, target.test.y.length);
    const chosen = stratifiedSample(
      target.test,
      count,
      random.fork(`attacked task ${name}`),
    );
    const attacked = takeSamples(target.test, chosen);
    tasks.set(name, { target, attacked, rows: null });
  }
  return tasks;
}

/**
 * What a candidate is judged on: the data of its task, which is the suite's own unless it is one of several.
 *
 * @throws TASK_UNKNOWN
 */
export function judgedOn(data: PreparedData, member: Member | null): TaskData {
  if (!member || member.task === MAIN) {
    const { target, attacked } = data;
    const all = ({ y }: Dataset) => Array.from(y.keys());
    const rows = {
      train: all(target.train),
      validation: all(target.validation),
      attacked: all(attacked),
    };
    return { target, attacked, rows };
  }
  const found = data.tasks.get(member.task);
  if (found) return found;
  throw new UsageError(
    "TASK_UNKNOWN",
    `the suite has no task "${member.task}"`,
    `It has ${[MAIN, ...data.tasks.keys()].join(", ")}.`,
  );
}

/** What the outputs of a task mean, as the suite says. */
export const taskNamed = (
  { suite }: LoadedSuite,
  name: string,
): Task | undefined => (name === MAIN ? suite.task : suite.tasks[name]?.task);

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
    const size = data.x.data.length / Math.max(1, data.y.length);
    const share = (i: number) => {
      const sample = data.x.data.subarray(i * size, (i + 1) * size);
      return sample.reduce((n, v) => n + (v > above ? 1 : 0), 0) / size;
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
      ? Object.entries(relabel.values)
      : Object.values(relabel.classes).flatMap((old, k) =>
          old.map((name): [string, number] => [name, k]),
        );
  for (const [name, label] of labels) {
    const k = data.classes.indexOf(name);
    if (k < 0 || labelOf.has(k)) throw badClass(name, k >= 0, data, task);
    labelOf.set(k, label);
  }
  const rows = all.filter((i) => labelOf.has(data.y[i] as number));
  const label = (i: number) => labelOf.get(data.y[i] as number) as number;
  return {
    rows,
    data:
      "values" in relabel
        ? withValues(data, task, rows, label)
        : dataset(
            data.name,
            takeRows(data.x, rows),
            Int32Array.from(rows, label),
            Object.keys(relabel.classes),
            undefined,
            data.table,
            textsAt(data, rows),
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
    takeRows(data.x, rows),
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
