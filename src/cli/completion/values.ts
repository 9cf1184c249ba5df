import { existsSync } from "node:fs";
import { parse } from "yaml";
import { loadSuite, planSuite, suiteText } from "#audit";
import { OWN_SUITE } from "../own-suite.ts";

/** Options whose values are names in the suite of the command line. */
export const askedFor = ["--set", "--only"] as const;

/**
 * What can follow such an option: keys of the suite, or patterns of its cells and
 * trials. Nothing where no suite is named that can be read. No code of a suite runs.
 *
 * @param words of the command line so far
 */
export async function valuesFor(
  option: (typeof askedFor)[number],
  words: readonly string[],
): Promise<string[]> {
  const file = words.find(isSuite) ?? OWN_SUITE;
  if (!existsSync(file)) return [];
  try {
    const loaded = await loadSuite(file, { use: false });
    if (option === "--set") return keysOf(parse(suiteText(loaded)));
    const { cells, trials } = planSuite(loaded);
    const ids = [...cells, ...trials].map(({ id }) => id);
    const candidates = ids.map((id) => `${id.split("/")[0]}/*`);
    return [...new Set([...candidates, ...ids])].filter(isPlain);
  } catch {
    // Whoever presses a key does not want to read what is wrong with a suite.
    return [];
  }
}

const isSuite = (word: string): boolean =>
  /\.ya?ml$/.test(word) && existsSync(word);

/** Whether shells take a word as it is. */
const isPlain = (word: string): boolean => /^[\w./@+*=-]+$/.test(word);

/** Paths to all values of a document, as --set takes them. */
function keysOf(value: unknown, path = ""): string[] {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return path === "" || !isPlain(path) ? [] : [`${path}=`];
  return Object.entries(value).flatMap(([key, own]) =>
    /^[\w-]+$/.test(key) ? keysOf(own, path ? `${path}.${key}` : key) : [],
  );
}
