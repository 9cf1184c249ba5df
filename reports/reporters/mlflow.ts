import { jsonText } from "#core";
import type { Reporter, Results } from "#results";
import { fileName } from "../file-name.ts";
import { headline, madeBy, wellFormed } from "../format.ts";
import { caveatsOf, verdictOf } from "../judgements.ts";
import { type Batch, logRuns, type Run } from "../mlflow-client.ts";

/** Numbers of candidates as runs of an MLflow server. */
export const mlflow: Reporter = {
  id: "mlflow",
  title: "MLflow",
  summary:
    "A run for the audit and one below it for each candidate, in the experiment assay: accuracies with their intervals as metrics, sent by --reporter mlflow:http://host:port. Without an address it is the runs as JSON. A number that is not trusted has a key that says so.",
  reference: "MLflow REST API 2.0",
  file: "mlflow.json",
  render: (results) => jsonText(runsOf(results)),
  send: (results, _, address) => logRuns(runsOf(results), address),
};

/** The audit, then its candidates. */
function runsOf(results: Results): {
  readonly audit: Run;
  readonly candidates: Run[];
} {
  const { timing } = results;
  const start = Date.parse(timing.startedAt);
  const end = Date.parse(timing.finishedAt);
  return {
    audit: { name: some(results.title), start, end, ...auditOf(results) },
    candidates: results.candidates.map((candidate) => ({
      name: some(candidate.id),
      start,
      end,
      ...candidateOf(results, candidate),
    })),
  };
}

function auditOf(results: Results): Batch {
  const { provenance: p, gate, cells, trials } = results;
  const { failures = [], missing = [] } = results;
  const rules = (verdict: string) =>
    gate.rules.filter((rule) => rule.verdict === verdict).length;
  return {
    metrics: [
      ["rules/passed", rules("passed")],
      ["rules/failed", rules("failed")],
      ["rules/inconclusive", rules("inconclusive")],
      ["cells", cells.length],
      ["cells/not trusted", cells.filter(({ trusted }) => !trusted).length],
      ["trials", trials.length],
      ["trials/not trusted", trials.filter(({ trusted }) => !trusted).length],
      ["failed works", failures.length],
      ["missing results", missing.length],
      ["seconds", results.timing.seconds],
    ],
    params: [
      ["suite", some(p.suite.file)],
      ["suite sha256", p.suite.hash],
      ["data", some(p.data.source)],
      ["data fingerprint", p.data.fingerprint],
      ["samples attacked", String(p.data.attacked)],
      ["seed", String(p.seed)],
      ["engine", some(p.engine)],
    ],
    tags: [
      ["assay.version", p.assay],
      ["assay.verdict", verdictOf(results)],
      ...gate.rules.map((r, i): [string, string] => [
        `assay.rule.${i + 1}`,
        some(`${r.verdict}: ${r.rule} of ${r.subject}: ${r.reason}`),
      ]),
      ...missing.map(({ what, id }, i): [string, string] => [
        `assay.missing.${i + 1}`,
        some(`${what} ${id}`),
      ]),
    ],
  };
}

function candidateOf(
  results: Results,
  candidate: Results["candidates"][number],
): Batch {
  const { id, cleanAccuracy, lineage } = candidate;
  const names = new Map<string, string>();
  const key = (...parts: string[]) =>
    parts
      .map((part) => {
        const own = keyPart(part);
        if (own !== part) names.set(own, part);
        return own;
      })
      .join("/");
  const metrics = [
    ...withBounds("clean_accuracy", cleanAccuracy, []),
    ...results.worstCases
      .filter((w) => w.candidate === id && w.evaluated)
      .flatMap((w) =>
        withBounds(
          `robust_accuracy/${key(w.defense, w.threatModel)}`,
          w.robustAccuracy,
          caveatsOf(results, w),
        ),
      ),
    ...results.trials
      .filter((trial) => trial.candidate === id)
      .flatMap((trial) => {
        const found = headline(trial);
        return found
          ? withBounds(
              `trial/${key(trial.trial, trial.repair, found.id)}`,
              found,
              trial.trusted ? [] : ["not trusted"],
            )
          : [];
      }),
  ];
  return {
    metrics,
    params: [
      ["candidate", some(id)],
      ["made by", some(madeBy(candidate))],
      ["sha256", candidate.hash],
      ["base sha256", lineage?.baseHash ?? "-"],
      ["origin", candidate.origin],
      ["parameters", String(candidate.parameters)],
    ],
    tags: [
      ["assay.verdict of the audit", verdictOf(results)],
      ...Array.from(names, ([own, name]): [string, string] => [
        `assay.name.${own}`,
        some(name),
      ]),
    ],
  };
}

/** A number and the ends of its interval. */
const withBounds = (
  name: string,
  found: { value: number | null; low: number | null; high: number | null },
  caveats: readonly string[],
): [string, number][] =>
  (["value", "low", "high"] as const).flatMap((bound) => {
    const number = found[bound];
    if (number === null) return [];
    const key = bound === "value" ? name : `${name}/${bound}`;
    return [[[key, ...caveats].join(" "), number]];
  });

/** A name as a part of a key: MLflow takes few characters, and no dots alone. */
const keyPart = (name: string): string =>
  /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(name) && name.length <= 60
    ? name
    : fileName(name);

/** MLflow takes no empty values, and no long ones. */
const LONGEST = 500;
const some = (text: string): string =>
  wellFormed(Array.from(text).slice(0, LONGEST).join("")) || "-";
