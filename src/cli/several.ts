import { line, UsageError } from "#core";
import { exitCodes, meaningOf, worstOf } from "./exit-codes.ts";
import { columns } from "./format.ts";
import { outOf } from "./out.ts";
import { printError } from "./print-error.ts";

/** What several suites of one command cannot share. */
interface Shared {
  readonly out?: string;
  readonly json?: boolean;
  readonly reporter?: readonly string[];
}

/**
 * Refuses what several suites would write to one place.
 *
 * @throws SUITES
 */
export function requireApart(
  suites: readonly string[],
  { out, json, reporter = [] }: Shared,
): void {
  if (suites.length === 1) return;
  const one = reporter.find((name) => name.includes(":"));
  const shared = [
    ...(out === undefined ? [] : ["--out"]),
    ...(json ? ["--json"] : []),
    ...(one === undefined ? [] : [`--reporter ${one}`]),
  ];
  if (shared.length > 0)
    throw new UsageError(
      "SUITES",
      `${shared[0]} is for one suite, and there are ${suites.length}`,
      "Leave it out, so that each has its own folder below runs, or name one suite.",
    );
  const folders = suites.map((suite) => outOf(suite));
  const again = folders.findIndex((folder, i) => folders.indexOf(folder) < i);
  if (again >= 0)
    throw new UsageError(
      "SUITES",
      `${suites[folders.indexOf(folders[again]!)]} and ${suites[again]} would share the folder ${folders[again]}`,
      "Run them one by one, each with --out.",
    );
}

/**
 * Does one suite after the other, and says in the end what came of each. One that fails
 * keeps no other from its turn; an interruption ends all.
 *
 * @returns the worst exit status
 */
export async function oneByOne(
  suites: readonly string[],
  run: (suite: string) => Promise<number>,
): Promise<number> {
  const codes: number[] = [];
  for (const suite of suites) {
    process.stdout.write(`${codes.length > 0 ? "\n" : ""}# ${line(suite)}\n`);
    try {
      codes.push(await run(suite));
    } catch (error) {
      codes.push(printError(error));
    }
    if (codes.at(-1) === exitCodes.interrupted) break;
  }
  const rows = suites.map((suite, i) => [
    line(suite),
    codes[i] === undefined ? "not run" : meaningOf(codes[i]),
    codes[i] === undefined ? "" : outOf(suite),
  ]);
  process.stdout.write(`\n${columns([["suite", "", "folder"], ...rows])}\n`);
  return worstOf(codes);
}
