import { jsonText, sha256 } from "#core";
import type { Reporter, Results } from "#results";
import { type Judgement, oneLine, openOnes } from "../judgements.ts";
import { suitePath } from "../suite-file.ts";

/** What is no pass, for GitLab's code quality widget. */
export const gitlab: Reporter = {
  id: "gitlab",
  title: "GitLab code quality",
  summary:
    "What is no pass as a code quality report of GitLab CI, which a merge request shows as new or resolved.",
  reference: "GitLab Docs, Code Quality report format",
  file: "gl-code-quality.json",
  render: (results) => jsonText(issuesOf(results)),
};

const severities = {
  failed: "major",
  error: "critical",
  inconclusive: "minor",
  untrusted: "minor",
  passed: "info",
} as const satisfies Record<Judgement["status"], string>;

const issuesOf = (results: Results) =>
  openOnes(results).flatMap(({ subject, status, reasons }) =>
    reasons.map(({ rule, message }) => ({
      description: oneLine(`${subject}: ${message}`),
      check_name: rule,
      // GitLab tells by it what is new, so numbers are not in it.
      fingerprint: sha256(JSON.stringify([rule, subject])),
      severity: severities[status],
      location: { path: suitePath(results), lines: { begin: 1 } },
    })),
  );
