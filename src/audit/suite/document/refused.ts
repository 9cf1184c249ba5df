import type { LineCounter } from "yaml";
import { UsageError } from "#core";
import { formatPath } from "./problems.ts";

const SHOWN = 5;

/** A problem, and where it is in the source. */
export interface Located {
  offset: number;
  path: readonly PropertyKey[];
  message: string;
}

/** SUITE_INVALID for what is wrong in one file, in the order in which it stands. */
export function invalid(
  file: string,
  lines: LineCounter,
  problems: readonly Located[],
): UsageError {
  const sorted = problems.toSorted((a, b) => a.offset - b.offset);
  return refused(
    [file],
    sorted.map(
      ({ offset, path, message }) =>
        `${placeIn(file, lines, offset)}: ${formatPath(path)}: ${message}`,
    ),
  );
}

/** `file:line:column`. */
export function placeIn(
  file: string,
  lines: LineCounter,
  offset: number,
): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`;
}

/**
 * SUITE_INVALID.
 *
 * @param problems a line each
 */
export function refused(
  files: readonly string[],
  problems: readonly string[],
): UsageError {
  const named = [...new Set(files)];
  return new UsageError(
    "SUITE_INVALID",
    firstOf(problems),
    `Correct ${named.join(" and ")} at ${problems.length === 1 ? "this place" : "these places"} and run the command again.`,
  );
}

/** As many as help, and how many more there are. */
export function firstOf(problems: readonly string[]): string[] {
  const shown = problems.slice(0, SHOWN);
  const rest = problems.length - shown.length;
  if (rest > 0) shown.push(`and ${rest} more`);
  return shown;
}

/** How many problems are shown. */
export const shownProblems = SHOWN;
