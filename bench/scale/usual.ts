import { readFileSync } from "node:fs";
import { type UsualTable, usualBy } from "#audit";
import { packagePath, writeFile } from "#core";
import { FACTOR, TRACES } from "./time-left.ts";
import { leftSaid, type Trace } from "./trace.ts";
import { suiteOf, usualTable } from "./usual-table.ts";

/** Where the table stands. */
export const TABLE = ["src", "audit", "works", "usual-table.ts"];

/** When the time left is asked: from a tenth on it is to be right. */
const SHARES = [0.1, 0.25, 0.5];

export const recorded = (): Trace[] =>
  readFileSync(TRACES, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** First runs alone, of which nothing had been learned. */
export function firstRuns(traces: readonly Trace[]): Trace[] {
  const first = new Map<string, Trace>();
  for (const trace of traces)
    if (!first.has(trace.suite)) first.set(trace.suite, trace);
  return [...first.values()];
}

/**
 * What a first run says of the time left at a tenth, a quarter and half of its time,
 * over what is left, where all that is known of works is what those of other suites
 * took.
 */
export const leftOut = (
  trace: Trace,
  traces: readonly Trace[],
): (number | null)[] =>
  leftSaid(
    trace,
    1,
    [],
    SHARES,
    usualBy(
      usualTable(traces.filter((one) => suiteOf(one) !== suiteOf(trace))),
    ),
  );

export const isRight = (ratio: number | null): boolean =>
  ratio !== null && ratio <= FACTOR && ratio >= 1 / FACTOR;

/**
 * Writes the table of what works usually take, from all recorded runs, and prints how
 * right it is: of each suite by the runs of all others, and by the table itself.
 */
export async function usual(): Promise<void> {
  const all = firstRuns(recorded());
  const table = usualTable(all);
  writeFile(packagePath(...TABLE), sourceOf(table));
  const own = usualBy(table);
  const met = [0, 0];
  const text = (ratios: readonly (number | null)[]) =>
    ratios
      .map((ratio) => (ratio === null ? "-" : ratio.toFixed(2)).padStart(6))
      .join("");
  console.log(
    `time said to be left, over what was, at ${SHARES.map((share) => `${100 * share} %`).join(", ")} of a first run`,
  );
  console.log(`${"".padEnd(38)}${"others".padStart(18)}${"all".padStart(18)}`);
  for (const trace of all) {
    const ratios = [leftOut(trace, all), leftSaid(trace, 1, [], SHARES, own)];
    const seconds = trace.works.reduce((sum, work) => sum + work.seconds, 0);
    console.log(
      `${trace.suite.padEnd(28)}${seconds.toFixed(1).padStart(8)} s${ratios.map(text).join("")}`,
    );
    ratios.forEach((some, k) => {
      if (isRight(some[0]!)) met[k]!++;
    });
  }
  console.log(
    `within a factor of ${FACTOR} at 10 %: ${met[0]} of ${all.length} by the runs of other suites, ${met[1]} by all`,
  );
}

/** The module that has the table, as it is formatted. */
export const sourceOf = ({ pass, rows, defenses }: UsualTable): string =>
  `// Written by \`npm run bench -- scale --only usual\`, of bench/scale/traces.jsonl.

/** Seconds of a pass of a sample. */
export const PASS = ${pass};

/** Kind and unit, seconds to begin, and passes for each unit of size. */
export const rows: readonly (readonly [string, number, number])[] = [
${rows.map((row) => lineOf(row.map((cell) => JSON.stringify(cell)))).join("\n")}
];

/** Parts of defences, and seconds of a pass of a number of a sample. */
export const defenses: readonly (readonly [string, number])[] = [
${defenses.map((row) => lineOf(row.map((cell) => JSON.stringify(cell)))).join("\n")}
];
`;

function lineOf(cells: readonly string[]): string {
  const line = `  [${cells.join(", ")}],`;
  return line.length <= 80
    ? line
    : `  [\n${cells.map((cell) => `    ${cell},\n`).join("")}  ],`;
}
