import { jsonText } from "#core";
import type { Reporter } from "#results";
import { logRuns } from "../mlflow-client.ts";
import { trackedRuns } from "../tracked.ts";

/** Numbers of candidates as runs of an MLflow server. */
export const mlflow: Reporter = {
  id: "mlflow",
  title: "MLflow",
  summary:
    "A run for the audit and one below it for each candidate, in the experiment assay: accuracies with their intervals as metrics, sent by --reporter mlflow:http://host:port. Without an address it is the runs as JSON. A number that is not trusted has a key that says so.",
  reference: "MLflow REST API 2.0",
  file: "mlflow.json",
  render: (results) => jsonText(trackedRuns(results)),
  send: (results, _, address) => logRuns(trackedRuns(results), address),
};
