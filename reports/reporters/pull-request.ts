import { percent } from "#core";
import type { Reporter, Results } from "#results";
import { failedParts, withoutAttacks } from "../failures.ts";
import { cleanBehind, findingText, headline, interval } from "../format.ts";
import { judgementsOf, mainCases, rateText, verdictOf } from "../judgements.ts";
import { escaped, mark } from "../markdown/escape.ts";
import { recommended } from "../recommended.ts";
import { runsHeadline } from "../runs.ts";

/** What a reviewer has to know, as a comment that the next run replaces. */
export const pullRequest: Reporter = {
  id: "pull-request",
  title: "Pull request comment",
  summary:
    "A short comment in Markdown: what is recommended, the verdict, the rules that are no pass, worst cases with intervals, and what is not trusted or missing. Its first line is a mark by which the next run finds and replaces it; it is shorter than the longest comment of GitHub.",
  reference: "GitHub Flavored Markdown",
  file: "pull-request.md",
  render,
};

/** Rows of a table that are shown, and names of a list. */
const ROWS = 12;
const NAMES = 5;
/** Characters of one name or sentence. */
const LONGEST = 300;

function render(results: Results): string {
  const parts = [
    ...advice(results),
    ...rules(results),
    ...since(results),
    ...worst(results),
    ...trials(results),
    ...notTrusted(results),
    ...missing(results),
  ];
  const { provenance: p } = results;
  return `${[
    mark(results.title.slice(0, LONGEST)),
    `### ${cut(results.title)}: ${verdictOf(results)}`,
    ...parts,
    "",
    `<sub>${p.data.attacked} samples attacked, seed ${p.seed}, assay ${cut(p.assay)}, suite ${p.suite.hash.slice(0, 12)}. Intervals are 95 %.</sub>`,
  ].join("\n")}\n`;
}

/** Escaped, and no longer than a comment can bear. */
const cut = (text: string): string => {
  const all = Array.from(text);
  return all.length > LONGEST
    ? `${escaped(all.slice(0, LONGEST - 1).join(""))}…`
    : escaped(text);
};

const table = (heads: readonly string[], rows: readonly string[][]) => {
  const rest = rows.length - ROWS;
  return [
    "",
    `| ${heads.join(" | ")} |`,
    `|${"---|".repeat(heads.length)}`,
    ...rows.slice(0, ROWS).map((row) => `| ${row.join(" | ")} |`),
    ...(rest > 0 ? ["", `and ${rest} more, in the report.`] : []),
  ];
};

const order = { failed: 0, inconclusive: 1, passed: 2 } as const;

function rules({ gate }: Results): string[] {
  if (gate.rules.length === 0) return [];
  const open = gate.rules
    .filter(({ verdict }) => verdict !== "passed")
    .toSorted((a, b) => order[a.verdict] - order[b.verdict]);
  const passed = gate.rules.length - open.length;
  return [
    ...(open.length > 0
      ? table(
          ["rule", "verdict", "why"],
          open.map(({ rule, subject, verdict, reason }) => [
            `${cut(rule)} of ${cut(subject)}`,
            `**${verdict}**`,
            cut(reason),
          ]),
        )
      : []),
    "",
    `${passed} of ${gate.rules.length} rules passed.`,
  ];
}

/** Which candidate to take, and why, for each task. */
const advice = (results: Results): string[] =>
  recommended(results).flatMap(({ task, what, why }) => [
    "",
    `${task === null ? "" : `${cut(task)}: `}**${cut(what)}** ${cut(why)}`,
  ]);

/** What changed since the run that these results are compared with. */
const since = ({ comparison }: Results): string[] =>
  comparison
    ? ["", `Since the baseline: ${cut(runsHeadline(comparison))}`]
    : [];

function worst(results: Results): string[] {
  const rows = mainCases(results).map((w) => {
    const candidate = results.candidates.find(({ id }) => id === w.candidate);
    const clean = candidate && cleanBehind(results, candidate, w.defense);
    const lacks = withoutAttacks(results, w);
    return [
      cut(w.candidate),
      cut(w.defense),
      cut(w.threatModel),
      clean ? `${percent(clean.value)} ${escaped(interval(clean))}` : "-",
      w.evaluated
        ? `${escaped(rateText(w.robustAccuracy))}${w.trusted ? "" : " **not trusted**"}${lacks && ` **without ${lacks}**`}`
        : "not evaluated",
    ];
  });
  if (rows.length > 0)
    return table(
      ["candidate", "defence", "threat model", "clean", "robust, worst case"],
      rows,
    );
  return table(
    ["candidate", "clean"],
    results.candidates.map(({ id, cleanAccuracy }) => [
      cut(id),
      escaped(rateText(cleanAccuracy)),
    ]),
  );
}

function trials(results: Results): string[] {
  const rows = results.trials.map((trial) => {
    const found = headline(trial);
    const { text, interval } = found
      ? findingText(found)
      : { text: "nothing to measure", interval: "" };
    return [
      cut(trial.candidate),
      cut(trial.repair),
      cut(trial.trial),
      `${found ? `${cut(found.title)} ` : ""}${text} ${escaped(interval)}${trial.trusted ? "" : " **not trusted**"}`,
    ];
  });
  return rows.length > 0
    ? table(["candidate", "repair", "trial", "found"], rows)
    : [];
}

function notTrusted(results: Results): string[] {
  const all = judgementsOf(results).filter(
    ({ of }) => of === "cell" || of === "trial",
  );
  const open = all.filter(({ status }) => status === "untrusted");
  if (open.length === 0) return [];
  const names = open.slice(0, NAMES).map(({ subject }) => cut(subject));
  const rest = open.length - names.length;
  return [
    "",
    `**${open.length} of ${all.length} numbers are not trusted**: ${names.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}.`,
  ];
}

function missing(results: Results): string[] {
  const parts = failedParts(results);
  if (parts.length === 0) return [];
  const shown = parts.slice(0, NAMES);
  const rest = parts.length - shown.length;
  return [
    "",
    "**Not all that was planned has a result.**",
    "",
    ...shown.map(
      ({ what, why, lost }) =>
        `- ${cut(what)}: ${cut(why)}.${lost && ` Missing: ${cut(lost)}.`}`,
    ),
    ...(rest > 0 ? [`- and ${rest} more, in the report.`] : []),
  ];
}
