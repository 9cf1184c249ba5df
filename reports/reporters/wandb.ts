import type { Reporter } from "#results";
import { logOf } from "../wandb/log.ts";
import { recordsOf } from "../wandb/records.ts";
import { wandbRuns } from "../wandb/runs.ts";

/** Numbers of candidates as offline runs of Weights & Biases. */
export const wandb: Reporter = {
  id: "wandb",
  title: "Weights & Biases",
  summary:
    "A folder of offline runs, which wandb sync takes: one for the audit, whose steps are its cells, and one for each candidate, whose steps are its epochs, in one group of the project assay. Accuracies have their intervals beside them. A number that is not trusted has a key that says so.",
  reference: "Transaction log of the package wandb",
  file: "wandb",
  async *render(results) {
    for (const run of wandbRuns(results)) {
      const start = new Date(run.start).toISOString();
      // As wandb names it: day and time, then the id.
      const time = start.slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "_");
      yield {
        name: `offline-run-${time}-${run.id}/run-${run.id}.wandb`,
        content: logOf(recordsOf(run)),
      };
    }
  },
};
