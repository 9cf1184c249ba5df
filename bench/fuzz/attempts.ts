import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AssayError, line, messageOf, Random } from "#core";
import { mutated } from "./mutated.ts";
import type { Reader } from "./readers.ts";

/**
 * Reads one mutated file after the other: file n of a seed is always the same.
 *
 * @param folder where the file is written
 * @param onStart told the number of each before it is read
 * @returns what came out that is neither a result nor an error of one line
 */
export async function attempts(
  { file, seeds, read }: Reader,
  { seed, from, count }: { seed: number; from: number; count: number },
  folder: string,
  onStart: (n: number) => void = () => {},
): Promise<{ n: number; what: string }[]> {
  const finds: { n: number; what: string }[] = [];
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  for (let n = from; n < from + count; n++) {
    const random = new Random(`${seed}/${n}`);
    writeFileSync(path, mutated(seeds[n % seeds.length]!, random));
    onStart(n);
    const printed = await printedBy(async () => {
      try {
        await read(path);
      } catch (error) {
        if (!isClear(error)) finds.push({ n, what: whatOf(error) });
      }
    });
    if (printed) finds.push({ n, what: `it printed ${printed}` });
  }
  return finds;
}

/**
 * An error that says in a visible line, or in a few of several problems, what is wrong
 * and what to do.
 */
const isClear = (error: unknown): boolean =>
  error instanceof AssayError &&
  [...error.message.split("\n"), error.hint].every(
    (one) => one !== "" && one === line(one),
  );

const whatOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : messageOf(error);

/** What is written to the console meanwhile: only the command line prints. */
async function printedBy(run: () => Promise<void>): Promise<string> {
  const said: string[] = [];
  const before = { ...console };
  for (const kind of ["log", "info", "warn", "error", "debug"] as const)
    console[kind] = (...parts) => said.push(parts.map(String).join(" "));
  await run();
  Object.assign(console, before);
  return said.join("; ");
}
