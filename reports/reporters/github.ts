import type { Reporter, Results } from "#results";
import {
  caveatsOf,
  type Judgement,
  mainCases,
  openOnes,
  rateText,
  verdictOf,
} from "../judgements.ts";
import { suitePath } from "../suite-file.ts";

/** Workflow commands that GitHub Actions shows as annotations once they are printed. */
export const github: Reporter = {
  id: "github",
  title: "GitHub annotations",
  summary:
    "Workflow commands for the standard output of a step of GitHub Actions, which shows them as annotations of the run and of the suite's file. GitHub shows ten errors and ten warnings of a step.",
  reference: "GitHub Docs, Workflow commands for GitHub Actions",
  file: "annotations.txt",
  render,
};

/** As many of each kind as GitHub shows of one step. */
const MOST = 10;

function render(results: Results): string {
  const open = openOnes(results);
  const errors = open.filter(({ status }) => isError(status));
  const warnings = open.filter(({ status }) => !isError(status));
  return [
    command("notice", results, "Assay", told(results)),
    ...few("error", results, errors),
    ...few("warning", results, warnings),
  ].join("");
}

const isError = (status: Judgement["status"]): boolean =>
  status === "failed" || status === "error";

/** The verdict and the worst cases. */
const told = (results: Results): string =>
  [
    `Gate: ${verdictOf(results)}`,
    ...mainCases(results).map(
      (w) =>
        `${w.candidate} / ${w.defense} / ${w.threatModel}: robust accuracy ${w.evaluated ? rateText(w.robustAccuracy) : "not evaluated"}${caveatsOf(
          results,
          w,
        )
          .map((one) => `, ${one}`)
          .join("")}`,
    ),
  ].join("\n");

function few(
  kind: "error" | "warning",
  results: Results,
  all: readonly Judgement[],
): string[] {
  const shown = all.length > MOST ? all.slice(0, MOST - 1) : all;
  const rest = all.length - shown.length;
  return [
    ...shown.map(({ subject, message }) =>
      command(kind, results, subject, message),
    ),
    ...(rest > 0
      ? [command(kind, results, "Assay", `${rest} more, in the report`)]
      : []),
  ];
}

const command = (
  kind: string,
  results: Results,
  title: string,
  message: string,
): string =>
  `::${kind} file=${property(suitePath(results))},line=1,title=${property(title)}::${data(message)}\n`;

/** As the toolkit of GitHub Actions writes them. */
const data = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const property = (text: string): string =>
  data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
