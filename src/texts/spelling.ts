const ALPHABET = "abcdefghijklmnopqrstuvwxyz";

/**
 * Replaces each word of Latin letters that is no token of the vocabulary by the
 * token one edit away from it (a letter left out, added, replaced, or two
 * neighbours exchanged), where there is exactly one. The candidates are those
 * of Norvig 2007 ("How to Write a Spelling Corrector"); without word counts
 * there is no way to choose among several, so such words stay.
 * Words of fewer than four letters stay too: almost any is one edit from another.
 */
export function repairSpelling(
  text: string,
  words: ReadonlySet<string>,
): string {
  return text.replace(/\p{L}+/gu, (word) => {
    const lower = word.toLowerCase();
    if (word.length < 4 || words.has(lower) || !/^[a-z]+$/.test(lower))
      return word;
    const found = [...oneEdit(lower)].filter((w) => words.has(w));
    return found.length === 1 ? found[0]! : word;
  });
}

function oneEdit(word: string): Set<string> {
  const all = new Set<string>();
  for (let i = 0; i <= word.length; i++) {
    const [head, tail] = [word.slice(0, i), word.slice(i)];
    const [first = "", second = ""] = tail;
    if (tail !== "") all.add(head + tail.slice(1));
    if (second !== "") all.add(head + second + first + tail.slice(2));
    for (const letter of ALPHABET) {
      all.add(head + letter + tail);
      if (tail !== "") all.add(head + letter + tail.slice(1));
    }
  }
  return all;
}
