import { type Finding, findingText } from "#reports";

/** A finding of a trial in words. */
export function foundText(finding: Finding): string {
  const { text, interval } = findingText(finding);
  return [
    finding.title,
    text,
    interval,
    ...(finding.at ? [`at ${finding.at}`] : []),
  ]
    .filter(Boolean)
    .join(" ");
}

/** Rows of text in aligned columns. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
