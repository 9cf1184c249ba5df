import { sha256 } from "#core";
import { secondsFor, threadsOf } from "../threads.ts";
import { waitedFor } from "../waited-for.ts";

/**
 * Long runs of a kind, behind which a pattern that counts them fails at the end, and
 * all of ASCII.
 */
const texts = [
  "a",
  "A",
  "0",
  " ",
  "\n",
  "!",
  "é",
  "漢",
  "a ",
  "a1",
  "a.",
  "'s ",
]
  .map((unit) => unit.repeat(1000))
  .concat(String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i)))
  .flatMap((run) => [run, `${run}!`, `${run}a`, `${run}\u0000`]);

const threads = threadsOf("src/data/text/tokenizer-worker.mjs", 2048);

/** The most characters of a file's own patterns that are tried. */
const MOST_OWN = 64;

/** Long runs of letters that the patterns of a file name, as z of `(z|zz)+q`. */
function ownTexts(parsed: unknown): string[] {
  // Written anew, letters stand for themselves.
  const patterns =
    JSON.stringify(parsed).match(/"Regex"\s*:\s*"(?:[^"\\]|\\.)*"/g) ?? [];
  const named = patterns.join("").match(/[\p{L}\p{N}]/gu) ?? [];
  return [...new Set(named)]
    .slice(0, MOST_OWN)
    .flatMap((one) => [one.repeat(1000), `${one.repeat(1000)}!`]);
}

/** Hashes of the files that have been tried. */
const proven = new Set<string>();

/**
 * Opens a tokenizer in a thread that can be stopped and has it read long texts: its
 * regular expressions may take time that doubles with each letter, and its
 * replacements memory.
 *
 * @param parsed what the tokenizer.json says
 * @param text the file, by which it is told whether it was tried before
 * @throws Error saying what is wrong
 */
export function requireTried(parsed: unknown, text: string): void {
  const hash = sha256(text);
  if (proven.has(hash)) return;
  const seconds = secondsFor(text.length);
  const asked = { parsed, texts: [...texts, ...ownTexts(parsed)] };
  const said = waitedFor(threads, asked, seconds);
  if (!said)
    throw new Error(
      `it takes more than ${seconds} s or 2 GB of memory for some thousand letters`,
    );
  if (said.message !== undefined) throw new Error(said.message as string);
  proven.add(hash);
}
