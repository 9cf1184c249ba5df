import type { Reporter, Results } from "#results";
import { coverageOf, coveredText } from "../coverage.ts";
import { verdictOf } from "../judgements.ts";
import { escaped } from "../markdown/escape.ts";

/** What was measured of Article 15 of the AI Act, ATLAS, OWASP and NIST. */
export const coverage: Reporter = {
  id: "coverage",
  title: "Lists of threats",
  summary:
    "Markdown tables of what the audit measured, and did not, of Article 15 of the EU AI Act and of the lists of MITRE, OWASP and NIST, for a technical file or a review.",
  reference:
    "Regulation (EU) 2024/1689, Article 15; MITRE ATLAS 5.6.0; OWASP ML Top 10 2023; NIST AI 100-2 E2025",
  file: "coverage.md",
  render,
};

function render(results: Results): string {
  const { failures = [], missing = [] } = results;
  const tables = coverageOf(results).flatMap(({ list, rows }) => [
    "",
    `### ${escaped(list)}`,
    "",
    "| id | name | measured by |",
    "|---|---|---|",
    ...rows.map(
      (row) =>
        `| ${escaped(row.id)} | ${escaped(row.name)} | ${row.by.length > 0 ? escaped(coveredText(row)) : "**not measured**"} |`,
    ),
  ]);
  return `${[
    `## ${escaped(results.title)}: what was measured`,
    "",
    `Gate: ${verdictOf(results)}. The numbers and their intervals stand in the report. This table is evidence, and judges nothing by these texts.`,
    ...(failures.length + missing.length > 0
      ? ["", `**${missing.length} results that were planned are missing.**`]
      : []),
    ...tables,
  ].join("\n")}\n`;
}
