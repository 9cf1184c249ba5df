import { UsageError } from "#core";
import type { Dataset } from "#data";
import type { Samples } from "#model";
import type { FloatTensor } from "#onnx";
import type { CellWorks } from "./attacking/index.ts";
import { type OpenedRun, openRun, type RunOptions } from "./open-run.ts";
import type { Examples, Kept, Results } from "./results/index.ts";
import { judgedOn } from "./tasks/index.ts";

/**
 * The examples that the folder of a run keeps. The run is opened, with its data, when
 * they are first asked for; nothing is computed.
 *
 * @throws SUITE_CHANGED where the suite is no longer that of the results
 */
export function examplesIn(
  options: Pick<RunOptions, "out" | "engine" | "use" | "onEvent">,
  { smoke, provenance: { suite } }: Results,
): Kept["examplesOf"] {
  let opened: Promise<Map<string, CellWorks>> | undefined;
  let run: OpenedRun;
  const open = async () => {
    run = await openRun({
      smoke,
      ...options,
      suite: suite.file,
      set: suite.set,
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
