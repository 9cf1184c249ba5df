/**
 * The candidate that a misspelt word most likely meant, by Levenshtein
 * distance without regard to case; the first of equals. Undefined when none
 * shares enough with the word to be worth suggesting.
 */
export function nearest(
  word: string,
  candidates: readonly string[],
): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = levenshtein(word.toLowerCase(), candidate.toLowerCase());
    const longer = Math.max(word.length, candidate.length);
    // Two edits allow for swapped letters in a short word; longer words may
    // differ by a third.
    const limit = Math.max(2, Math.floor(longer / 3));
    if (distance < least && distance <= limit && distance < longer) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

function levenshtein(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(
        Math.min(replace, at(previous, j) + 1, at(current, j - 1) + 1),
      );
    }
    previous = current;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index]!;
}
