import type { Random } from "#core";

/** How many bugs there are of a word, at most. */
export const BUGS = 5;

const KEYBOARD = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
const ALIKE: Readonly<Record<string, string>> = { o: "0", l: "1", a: "@" };

/**
 * The bugs of a word, one of each kind that it is long enough for, at a random
 * place (Li et al. 2019, section III.C). What replaces a letter is both a lookalike
 * and a neighbour.
 */
export function bugsOf(word: string, random: Random): string[] {
  const letters = Array.from(word);
  const n = letters.length;
  /** The word with some letters from a place on replaced. */
  const changed = (at: number, count: number, ...by: string[]) =>
    letters.toSpliced(at, count, ...by).join("");
  const bugs: string[] = [];
  // A long word may well fall into two that are as good.
  if (n > 1 && n < 6) bugs.push(changed(1 + random.below(n - 1), 0, " "));
  if (n > 2) bugs.push(changed(1 + random.below(n - 2), 1));
  if (n > 4) {
    const at = 1 + random.below(n - 3);
    bugs.push(changed(at, 2, letters[at + 1]!, letters[at]!));
  }
  for (const likeOf of [alike, beside]) {
    const places = Array.from(letters.keys()).filter(
      (at) => likeOf(letters[at]!).length > 0,
    );
    const at = places[random.below(places.length)];
    if (at === undefined) continue;
    const like = likeOf(letters[at]!);
    bugs.push(changed(at, 1, like[random.below(like.length)]!));
  }
  return bugs.filter((bug) => bug !== word);
}

/** What looks like a letter in ASCII. */
const alike = (letter: string): string[] =>
  [ALIKE[letter.toLowerCase()]].filter((like) => like !== undefined);

/** The letters beside one on the keyboard, in its case. */
function beside(letter: string): string[] {
  const lower = letter.toLowerCase();
  const row = KEYBOARD.find((keys) => keys.includes(lower)) ?? "";
  const at = row.indexOf(lower);
  const keys = at < 0 ? [] : [row[at - 1], row[at + 1]];
  return keys
    .filter((key) => key !== undefined)
    .map((key) => (letter === lower ? key : key.toUpperCase()));
}
