/**
 * How many characters (code points) were inserted, deleted, replaced or
 * exchanged with their neighbour, at least, where none is edited twice: the
 * optimal string alignment distance, after Damerau 1964 and Wagner 1974.
 */
export function editsBetween(before: string, after: string): number {
  if (before === after) return 0;
  const { a, b } = apart(before, after);
  return table(a, b)[a.length]?.[b.length] ?? 0;
}

/** A piece of a text and what became of it; the same where nothing did. */
export interface Segment {
  readonly before: string;
  readonly after: string;
}

/** Both texts as pieces in order: what stayed, and each edit. */
export function segmentsOf(before: string, after: string): Segment[] {
  const { a, b, prefix, suffix } = apart(before, after);
  const costs = table(a, b);
  const cost = (i: number, j: number) => costs[i]?.[j] ?? Infinity;
  const found: Segment[] = [{ before: suffix, after: suffix }];
  const add = (piece: Segment) => {
    const next = found[0];
    if (piece.before === piece.after && next && next.before === next.after) {
      const joined = piece.before + next.before;
      found[0] = { before: joined, after: joined };
    } else found.unshift(piece);
  };
  let [i, j] = [a.length, b.length];
  while (i > 0 || j > 0) {
    const [x = "", y = ""] = [a[i - 1], b[j - 1]];
    const here = cost(i, j);
    if (isExchange(a, b, i, j) && here === cost(i - 2, j - 2) + 1) {
      add({ before: `${a[i - 2]}${x}`, after: `${b[j - 2]}${y}` });
      [i, j] = [i - 2, j - 2];
    } else if (here === cost(i - 1, j - 1) + (x === y ? 0 : 1)) {
      add({ before: x, after: y });
      [i, j] = [i - 1, j - 1];
    } else if (here === cost(i, j - 1) + 1) {
      add({ before: "", after: y });
      j--;
    } else {
      add({ before: x, after: "" });
      i--;
    }
  }
  add({ before: prefix, after: prefix });
  return found.filter((one) => one.before !== "" || one.after !== "");
}

/** What two texts have between the characters that they begin and end with alike. */
function apart(before: string, after: string) {
  const [a, b] = [Array.from(before), Array.from(after)];
  const least = Math.min(a.length, b.length);
  let head = 0;
  while (head < least && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < least - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return {
    a: a.slice(head, a.length - tail),
    b: b.slice(head, b.length - tail),
    prefix: a.slice(0, head).join(""),
    suffix: a.slice(a.length - tail).join(""),
  };
}

const isExchange = (
  a: readonly string[],
  b: readonly string[],
  i: number,
  j: number,
): boolean =>
  i > 1 &&
  j > 1 &&
  a[i - 1] === b[j - 2] &&
  a[i - 2] === b[j - 1] &&
  a[i - 1] !== b[j - 1];

/** The distance of each beginning of `a` from each beginning of `b`. */
function table(a: readonly string[], b: readonly string[]): number[][] {
  const rows: number[][] = [];
  const at = (i: number, j: number) => rows[i]![j]!;
  for (let i = 0; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      if (i === 0) {
        rows[0]?.push(j);
        continue;
      }
      const least = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        isExchange(a, b, i, j) ? at(i - 2, j - 2) + 1 : Infinity,
      );
      rows[i]?.push(least);
    }
  }
  return rows;
}
