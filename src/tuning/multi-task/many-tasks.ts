import type { Chosen } from "#core";
import type { Dataset } from "#data";
import {
  type Head,
  headColumns,
  headModel,
  type LayerGroup,
  type Model,
  meaningOf,
} from "#model";
import { type FloatTensor, type GraphBuilder, int } from "#onnx";
import { distributionCriterion, taskCriterion } from "../criteria.ts";
import type { Batch, BatchGradient, OpenPart } from "../part.ts";
import { drawingGroups } from "../sampling.ts";
import { lossAndAccuracy } from "../validation.ts";
import type { Balance, Weighting } from "./weighting.ts";

/** A head with its place among the outputs of all, and what its outputs mean. */
interface Task {
  readonly head: Head;
  readonly model: Model;
  readonly from: number;
  readonly to: number;
}

export interface ManyTasksOptions {
  readonly weighting: Chosen<Weighting>;
  /**
   * Draws tasks by their number of samples to the power of 1 / temperature; null for
   * every sample once an epoch.
   */
  readonly temperature: number | null;
  /** Layer groups of the training. The last holds the heads. */
  readonly groups: readonly LayerGroup[];
  /** As `jointDataset` makes it. */
  readonly train: Dataset;
}

/**
 * Learns all tasks of a model with several heads at once. A batch holds samples of
 * several tasks. The loss of a task is the mean over those that have its label, and a
 * task without any gets no gradient. Validation is the mean accuracy over the tasks. To
 * be listed last: what others do to the gradient they do to the whole.
 */
export const manyTasks =
  ({ weighting, temperature, groups, train }: ManyTasksOptions): OpenPart =>
  ({ model, random }) => {
    const tasks = tasksOf(model);
    const names = tasks.map(({ head }) => head.name);
    const balance = weighting.unit.open(weighting.params, {
      tasks: names,
      shared: groups.slice(0, -1),
      random: random.fork("weighting"),
    });
    return {
      isBlind: true,
      criterion: {
        floats: true,
        each: (b, outputs, targets) =>
          tasks
            .map((task) => lossOf(b, task, outputs, targets).each)
            .reduce((sum, each) => b.add(sum, each)),
      },
      draw:
        temperature === null
          ? undefined
          : drawingGroups(membersOf(tasks, train), temperature),
      prepare: (batch) => weighing(batch, names, balance.weights),
      loss(g) {
        const { b } = g;
        const outputs = g.rows(g.model.logits);
        return tasks
          .map((task) => {
            const { name } = task.head;
            const { each, labelled } = lossOf(b, task, outputs, g.targets);
            const count = b.op("Max", [
              b.reduceSum(labelled, [0]),
              b.scalar(1),
            ]);
            const loss = b.div(b.reduceSum(each, [0]), count);
            g.record(`${name} loss`, loss);
            const present = b.op("ReduceMax", [labelled], { keepdims: int(0) });
            const term = balance.term?.(g, name, loss, present) ?? loss;
            return b.mul(term, g.scalar(weightName(name)));
          })
          .reduce((sum, term) => b.add(sum, term));
      },
      gradient: balance.combine
        ? (batch, at) => combined(tasks, balance, batch as Batch, at)
        : undefined,
      evaluate: (outputs, batch) => evaluated(tasks, outputs, batch),
    };
  };

const tasksOf = (model: Model): Task[] =>
  headColumns(model.heads ?? []).map((column) => ({
    ...column,
    model: headModel(model, column.head),
  }));

/** The rows that have a label of each task. */
const membersOf = (tasks: readonly Task[], { targets, y }: Dataset) =>
  tasks.map((task) =>
    Array.from(y.keys()).filter((i) => isLabelled(targets, task, i)),
  );

function isLabelled(
  targets: FloatTensor | undefined,
  { from }: Task,
  i: number,
): boolean {
  const width = targets?.dims[1] ?? 0;
  return !Number.isNaN(targets?.data[i * width + from] ?? Number.NaN);
}

/**
 * The loss of one task of each sample, 0 where it has no label of it, and where it has
 * one (1), each [N].
 */
function lossOf(
  b: GraphBuilder,
  { model, from, to }: Task,
  outputs: string,
  targets: string,
): { each: string; labelled: string } {
  const own = b.slice(targets, [from], [to], [1]);
  const first = b.slice(targets, [from], [from + 1], [1]);
  // Only NaN is not equal to itself.
  const known = b.op("Equal", [first, first]);
  const clean = b.op("Where", [known, own, b.scalar(0)]);
  const criterion = meaningOf(model).targets
    ? taskCriterion(model)
    : distributionCriterion;
  const loss = criterion.each(b, b.slice(outputs, [from], [to], [1]), clean);
  const labelled = b.reshape(b.cast(known, "float32"), [-1]);
  return { each: b.mul(loss, labelled), labelled };
}

const weightName = (task: string) => `task weight ${task}`;

/** A batch that feeds the weight of each task. */
const weighing = <B extends Pick<Batch, "feeds">>(
  batch: B,
  names: readonly string[],
  weights: readonly number[],
): B => ({
  ...batch,
  feeds: {
    ...batch.feeds,
    ...Object.fromEntries(
      names.map((name, t) => [weightName(name), weights[t]!]),
    ),
  },
});

/**
 * The gradient of each task by a pass of its own, and what a weighting makes of them.
 */
async function combined(
  tasks: readonly Task[],
  balance: Balance,
  batch: Batch,
  at: (batch: Batch) => Promise<BatchGradient>,
): Promise<BatchGradient> {
  const names = tasks.map(({ head }) => head.name);
  const { weights } = balance;
  const each: { task: string; found: BatchGradient; weight: number }[] = [];
  for (const [t, task] of tasks.entries()) {
    if (!batch.y.some((_, i) => isLabelled(batch.targets, task, i))) continue;
    const alone = tasks.map((_, k) => (k === t ? 1 : 0));
    const found = await at(weighing(batch, names, alone));
    each.push({ task: task.head.name, found, weight: weights[t]! });
  }
  const [first] = each as [(typeof each)[number]];
  const gradients = balance.combine?.(
    each.map(({ task, found: { loss, gradients } }) => ({
      task,
      loss,
      gradients,
    })),
  );
  return {
    ...first.found,
    loss: each.reduce((sum, { found, weight }) => sum + weight * found.loss, 0),
    gradients: gradients ?? first.found.gradients,
    records: {
      ...first.found.records,
      ...Object.fromEntries(
        names.map((name, t) => [`${name} weight`, weights[t]!]),
      ),
    },
  };
}

/** How a validation batch went: the mean over the tasks, and each of them. */
function evaluated(
  tasks: readonly Task[],
  outputs: FloatTensor,
  { y, targets }: Batch,
) {
  const records: Record<string, number> = {};
  const found = tasks.map((task) => {
    const rows = Array.from(y.keys()).filter((i) =>
      isLabelled(targets, task, i),
    );
    const own = columns(outputs, task, rows);
    const wanted = columns(targets as FloatTensor, task, rows);
    const truth = meaningOf(task.model).targets
      ? { y: new Int32Array(rows.length), targets: wanted }
      : { y: likeliest(wanted) };
    const judged = lossAndAccuracy(task.model, own, truth);
    records[`${task.head.name} validation loss`] = judged.loss;
    records[`${task.head.name} validation accuracy`] = judged.accuracy;
    return judged;
  });
  const mean = (of: (f: (typeof found)[number]) => number) =>
    found.reduce((sum, f) => sum + of(f), 0) / found.length;
  return {
    loss: mean((f) => f.loss),
    accuracy: mean((f) => f.accuracy),
    records,
  };
}

/** Some rows of the columns of a task. */
function columns(
  { data, dims }: FloatTensor,
  { from, to }: Task,
  rows: readonly number[],
): FloatTensor {
  const width = dims[1] ?? 0;
  const kept = new Float32Array(rows.length * (to - from));
  for (const [place, i] of rows.entries())
    kept.set(
      data.subarray(i * width + from, i * width + to),
      place * (to - from),
    );
  return { type: "float32", dims: [rows.length, to - from], data: kept };
}

/** The class that has the largest share of each row. */
function likeliest({
  data,
  dims: [n = 0, width = 0],
}: FloatTensor): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => {
    const row = data.subarray(i * width, (i + 1) * width);
    return row.indexOf(Math.max(...row));
  });
}
