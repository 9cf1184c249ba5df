import { UsageError } from "#core";
import { type Dataset, dataset } from "#data";
import { type Head, headColumns } from "#model";
import { floats, type RowPlace, rowsFrom } from "#onnx";

/** Labelled samples of one task. */
export interface TaskSamples {
  readonly data: Dataset;
  /** Which rows of the shared data they are; samples of its own when left out. */
  readonly rows?: readonly number[];
}

/**
 * Of each task, where its samples are among those of all: shared ones first, each once,
 * then those of each task with data of its own.
 */
export function placesOf(tasks: readonly TaskSamples[]): number[][] {
  const common = [...new Set(tasks.flatMap((t) => t.rows ?? []))];
  common.sort((a, b) => a - b);
  const placeOf = new Map(common.map((row, place) => [row, place]));
  let next = common.length;
  return tasks.map(({ data, rows }) => {
    if (rows) return rows.map((row) => placeOf.get(row) as number);
    const begin = next;
    next += data.y.length;
    return Array.from(data.y.keys(), (i) => begin + i);
  });
}

/**
 * Samples of several tasks as one dataset, whose targets are those of all heads side by
 * side: shares of classes, labels or values, and NaN where a sample has no label of a
 * task. Shared samples come first, each once, with all the labels it has.
 *
 * @param shared samples that several tasks label, in one order for all
 * @param tasks in the order of the heads
 * @throws DATA_SHAPE when the samples of a task have another shape
 */
export function jointDataset(
  heads: readonly Head[],
  tasks: readonly TaskSamples[],
  shared: Dataset,
): Dataset {
  const columns = headColumns(heads);
  const width = columns.at(-1)?.to ?? 0;
  const places = placesOf(tasks);
  const n = 1 + places.flat().reduce((a, b) => Math.max(a, b), -1);
  const sample = shared.x.dims.slice(1);
  const from: RowPlace[] = new Array(n);
  const targets = new Float32Array(n * width).fill(Number.NaN);
  for (const [t, { data, rows }] of tasks.entries()) {
    const { head, from: column } = columns[t]!;
    requireShape(data, sample, head.name);
    for (const [i, place] of places[t]!.entries()) {
      from[place] = rows ? { of: 0, row: rows[i]! } : { of: t + 1, row: i };
      targets.set(targetsOf(data, i), place * width + column);
    }
  }
  const x = rowsFrom(
    [shared, ...tasks.map(({ data }) => data)].map((d) => d.x),
    from,
  );
  return dataset(
    heads.map((h) => h.name).join(" and "),
    x,
    new Int32Array(n),
    columns.flatMap(({ head }) => head.classes.map((c) => `${head.name}.${c}`)),
    floats([n, width], targets),
  );
}

/**
 * What the outputs should be of one sample: its targets, or all of the
 * share for its class.
 */
function targetsOf({ y, classes, targets }: Dataset, i: number): Float32Array {
  const width = classes.length;
  if (targets) return targets.data.subarray(i * width, (i + 1) * width);
  const row = new Float32Array(width);
  row[y[i]!] = 1;
  return row;
}

function requireShape(
  { name, x }: Dataset,
  sample: readonly number[],
  task: string,
): void {
  const seen = x.dims.slice(1).join(", ");
  if (seen === sample.join(", ")) return;
  throw new UsageError(
    "DATA_SHAPE",
    `samples of task "${task}" (${name}) have shape [${seen}], those of the suite's data [${sample.join(", ")}]; one trunk takes both`,
    "Set size and channels of the task's data.",
  );
}
