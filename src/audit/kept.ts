import { AssayError, UsageError } from "#core";
import type { Dataset } from "#data";
import type { Engine } from "#engine";
import type { Samples } from "#model";
import type { FloatTensor } from "#onnx";
import type { CellWorks } from "./attacking/index.ts";
import { type OpenedRun, openRun, type RunOptions } from "./open-run.ts";
import type { Examples, Kept, Results } from "./results/index.ts";
import { judgedOn } from "./tasks/index.ts";

/**
 * The examples that the folder of a run keeps, whatever engine and device it was run
 * by. The run is opened, with its data, when they are first asked for; nothing is
 * computed.
 *
 * @throws SUITE_CHANGED where the suite is no longer that of the results
 */
export function examplesIn(
  options: Pick<RunOptions, "out" | "use" | "onEvent">,
  { smoke, provenance: { suite, engine } }: Results,
): Kept["examplesOf"] {
  let opened: Promise<Map<string, CellWorks>> | undefined;
  let run: OpenedRun;
  const open = async () => {
    run = await openRun({
      smoke,
      ...options,
      suite: suite.file,
      set: suite.set,
      engine: namesake(engine),
      isChecked: true,
    });
    if (run.loaded.hash !== suite.hash)
      throw new UsageError(
        "SUITE_CHANGED",
        `${suite.file} is not as it was when these results were made`,
        "Run the suite again, or take the file as it was.",
      );
    return new Map(run.graph.cells.map((cell) => [cell.planned.id, cell]));
  };
  return async (id) => {
    opened ??= open();
    const cell = (await opened).get(id);
    const made = cell?.examples.found();
    if (!cell || !made) return undefined;
    const { suite } = run.loaded;
    const { task } = suite.candidates[cell.planned.candidate]!;
    return asKept(judgedOn(run.shop.data, task).attacked, made.examples);
  };
}

/** Stands for the engine that results were made by, under whose name they are kept. */
const namesake = (title: string): Engine => ({
  id: "namesake",
  title,
  load: () =>
    Promise.reject(
      new AssayError(
        "ENGINE_LOAD",
        `reading examples of ${title} asked for a model to be run`,
        "This is a fault of Assay: report it.",
      ),
    ),
});

const asKept = (data: Dataset, attacked: Samples): Examples => ({
  clean: data.texts?.strings ?? data.x,
  attacked: attacked as FloatTensor | readonly string[],
  columns: data.table?.columns.map(({ name }) => name) ?? null,
  labels: labelsOf(data),
});

/** What is right of each sample: its class, or what its outputs should be. */
function labelsOf({ y, classes, targets, positions }: Dataset): string[] {
  if (!targets) return Array.from(y, (label) => classes[label] ?? "?");
  const width = targets.dims[1] ?? 0;
  return Array.from(y, (_, i) => {
    const row = targets.data.subarray(i * width, (i + 1) * width);
    return positions
      ? Array.from(row, (k) => classes[k] ?? "-").join(" ")
      : Array.from(row, (value, k) => `${classes[k]} ${value}`).join(", ");
  });
}
