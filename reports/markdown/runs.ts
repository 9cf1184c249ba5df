import { withoutUnseen } from "#core";
import type { Comparison } from "#results";
import {
  isTold,
  runsHeadline,
  runsMethod,
  runsRows,
  runsTitle,
} from "../runs.ts";
import { escaped } from "./escape.ts";

/**
 * Two runs beside each other, for a pull request: what changed, and what cannot tell.
 */
export function runsMarkdown(comparison: Comparison): string {
  const lines = [
    `## ${escaped(runsTitle(comparison))}`,
    "",
    ...runsLines(comparison),
  ];
  return withoutUnseen(`${lines.join("\n")}\n`);
}

/** The same without a heading. */
export function runsLines(comparison: Comparison): string[] {
  const shown = runsRows(comparison).filter(({ of }) => isTold(of));
  return [
    `**${runsHeadline(comparison)}** ${runsMethod(comparison)}`,
    ...(shown.length > 0
      ? [
          "",
          "| | number | of | before | now | difference | test | samples | |",
          "|---|---|---|---|---|---|---|---|---|",
          ...shown.map(
            (r) =>
              `| ${[
                r.word,
                escaped(r.what),
                escaped(
                  [r.candidate, r.defense, r.threat]
                    .filter(Boolean)
                    .join(" / "),
                ),
                r.old,
                r.now,
                escaped(`${r.difference} ${r.interval}`.trim()),
                escaped(r.test),
                r.flips,
                escaped(r.note),
              ].join(" | ")} |`,
          ),
        ]
      : []),
    ...comparison.differences.flatMap((one, i) => [
      ...(i === 0 ? [""] : []),
      `- ${escaped(one)}.`,
    ]),
  ];
}
