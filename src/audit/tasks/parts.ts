import { UsageError } from "#core";
import type { Dataset } from "#data";
import { MAIN } from "../suite/index.ts";

/** A dataset in the three parts of a suite. */
export interface Parts {
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly test: Dataset;
}

/** What candidates of a task are tuned and judged on. */
export interface TaskData {
  readonly target: Parts;
  /** The test samples that are attacked. */
  readonly attacked: Dataset;
  /**
   * Which samples of the suite's data those of the training and validation parts are,
   * and those that are attacked; null for data of its own.
   */
  readonly rows: Readonly<
    Record<"train" | "validation" | "attacked", number[]>
  > | null;
}

/** The data of a run, of its target task first of all. */
export interface PreparedData extends Omit<TaskData, "rows"> {
  readonly source: string;
  /**
   * Labelled data of the source domain, with the classes of the target; null when the
   * suite has one domain.
   */
  readonly sourceDomain: Parts | null;
  /**
   * As many test samples of the source domain as of the target are attacked: the same
   * ones where the target is a shift of them. Null where the suite has one domain.
   */
  readonly sourceAttacked: Dataset | null;
  /** The source task that the base is pre-trained on, when it is. */
  readonly pretraining: Parts | null;
  /** Further tasks that candidates learn beside, by name. */
  readonly tasks: ReadonlyMap<string, TaskData>;
}

/**
 * So many samples, spread over all: those that are attacked are in the order
 * of their classes.
 */
export const evenly = ({ y }: Dataset, most: number): number[] => {
  const count = Math.min(most, y.length);
  return Array.from({ length: count }, (_, k) =>
    Math.floor((k * y.length) / count),
  );
};

/**
 * What a candidate of a task is judged on.
 *
 * @throws TASK_UNKNOWN
 */
export function judgedOn(data: PreparedData, task: string): TaskData {
  if (task === MAIN) {
    const { target, attacked } = data;
    const all = ({ y }: Dataset) => Array.from(y.keys());
    const rows = {
      train: all(target.train),
      validation: all(target.validation),
      attacked: all(attacked),
    };
    return { target, attacked, rows };
  }
  const found = data.tasks.get(task);
  if (found) return found;
  throw new UsageError(
    "TASK_UNKNOWN",
    `the suite has no task "${task}"`,
    `It has ${[MAIN, ...data.tasks.keys()].join(", ")}.`,
  );
}
