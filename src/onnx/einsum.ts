/**
 * An Einsum equation with a label for every axis; those of an ellipsis have got
 * letters of their own.
 */
export interface Contraction {
  /** The labels of the axes of each operand. */
  readonly terms: readonly (readonly string[])[];
  /** The labels of the axes of the result. */
  readonly output: readonly string[];
}

const LETTERS = [
  ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
] as const;

/**
 * Reads an Einsum equation for operands of the given ranks: `...` stands for
 * the axes that have no label, aligned at their end, and without `->` the
 * result has the labels that occur once, in alphabetical order.
 *
 * @returns undefined for an equation that does not fit the ranks
 */
export function parseEinsum(
  equation: string,
  ranks: readonly number[],
): Contraction | undefined {
  const [left = "", right, ...more] = equation.replaceAll(" ", "").split("->");
  const parts = left.split(",");
  if (more.length > 0 || parts.length !== ranks.length) return undefined;
  const used = new Set(equation);
  const free = LETTERS.filter((letter) => !used.has(letter));
  const hidden = parts.map((part, i) =>
    part.includes("...") ? (ranks[i] ?? 0) - lettersOf(part).length : 0,
  );
  const widest = Math.max(0, ...hidden);
  if (Math.min(...hidden) < 0 || widest > free.length) return undefined;
  const rest = free.slice(0, widest);
  const axesOf = (part: string, count: number) => {
    const [before = "", after = ""] = part.split("...");
    return [...before, ...rest.slice(widest - count), ...after];
  };
  const terms = parts.map((part, i) => axesOf(part, hidden[i]!));
  const output =
    right === undefined
      ? [...rest, ...lettersOnce(left)]
      : axesOf(right, right.includes("...") ? widest : 0);
  const fits =
    terms.every((term, i) => term.length === ranks[i]) &&
    output.every((label) => terms.some((term) => term.includes(label))) &&
    [...terms, output].flat().every((label) => LETTERS.includes(label));
  return fits ? { terms, output } : undefined;
}

/** The equation of a contraction. */
export const printEinsum = ({ terms, output }: Contraction): string =>
  `${terms.map((term) => term.join("")).join()}->${output.join("")}`;

const lettersOf = (part: string) => [...part.replace("...", "")];

function lettersOnce(left: string): string[] {
  const letters = lettersOf(left.replaceAll(",", "").replaceAll("...", ""));
  return letters
    .filter((l) => letters.indexOf(l) === letters.lastIndexOf(l))
    .sort();
}
