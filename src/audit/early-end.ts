import { UsageError } from "#core";
import { judged } from "./judged.ts";
import type { OpenedRun } from "./open-run.ts";
import type { Results } from "./results/index.ts";
import type { WorkKind } from "./works/index.ts";

/** Works after which a number may stand that the gate looks at. */
const telling: readonly WorkKind[] = [
  "look",
  "probes",
  "decision",
  "heads",
  "trial",
  "certificate",
];

/** Most of the time of a run that goes into asking whether it is over. */
const SHARE = 0.05;

/**
 * Tells after each work whether a rule of the gate cannot pass any more, and which, in
 * a sentence. What it says once stands: numbers that only fall as attacks are added,
 * and those that are whole, are judged as strictly as among all rows that there can be
 * (`evaluateGate`), so that the same row fails when all is done.
 *
 * @param baseline what the run is compared with
 *
 * @throws FAIL_FAST where no rule can fail
 */
export function endsEarly(
  { graph, loaded, plan }: OpenedRun,
  baseline?: Results,
): (kind: WorkKind) => string | undefined {
  const { suite, smoke } = loaded;
  if (!plan.complete || smoke || suite.gate.length === 0)
    throw new UsageError(
      "FAIL_FAST",
      `nothing can fail fast: ${smoke ? "a smoke run" : plan.complete ? "the suite has no gate, and so it" : "a part of a run (--only)"} has no verdict`,
      "Leave out --fail-fast.",
    );
  let spent = 0;
  const started = performance.now();
  return (kind) => {
    if (!telling.includes(kind)) return undefined;
    const now = performance.now();
    if (spent > SHARE * (now - started)) return undefined;
    const { rules } = judged(
      {
        ...graph.found([]),
        failures: [],
        missing: graph.missing([]),
        stopped: { by: "fail-fast", reason: "" },
        timing: { startedAt: "", finishedAt: "", seconds: 0 },
      },
      loaded,
      baseline,
    ).gate;
    spent += performance.now() - now;
    const failed = rules.find(({ verdict }) => verdict === "failed");
    return failed && `${failed.rule} of ${failed.subject}: ${failed.reason}`;
  };
}
