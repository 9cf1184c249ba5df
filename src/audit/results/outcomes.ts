/**
 * What became of a sample: it withstood the attack, the attack broke it, it was wrong
 * or rejected without one, or nobody asked about it. With a certificate: its right
 * class was proved, a wrong one was, or none.
 */
export type Fate = "robust" | "broken" | "wrong" | "absent";

const characters = {
  robust: "1",
  broken: "0",
  wrong: "-",
  absent: ".",
} as const satisfies Record<Fate, string>;

/** Outcomes as the results document has them: one character a sample, in order. */
export const outcomesOf = (fates: readonly Fate[]): string =>
  fates.map((fate) => characters[fate]).join("");

const known = Object.keys(characters) as Fate[];

/**
 * What became of each sample; nobody asked about one whose character is none of these.
 */
export const fatesOf = (outcomes: string): Fate[] =>
  Array.from(
    outcomes,
    (character) => known.find((f) => characters[f] === character) ?? "absent",
  );

/** The samples of which one of these became. */
export const samplesThatAre = (
  outcomes: string,
  ...wanted: readonly Fate[]
): number[] =>
  fatesOf(outcomes).flatMap((fate, i) => (wanted.includes(fate) ? [i] : []));

/** How many samples one of these became of. */
export const countOf = (outcomes: string, ...wanted: readonly Fate[]): number =>
  samplesThatAre(outcomes, ...wanted).length;

/** Of each sample, whether it is right without an attack. */
export const rightOf = (outcomes: string): boolean[] =>
  fatesOf(outcomes).map((fate) => fate !== "wrong");

/**
 * Of each sample, whether it withstands several attacks at once: each that asked about
 * it, and one did.
 */
export function robustInEach(all: readonly string[]): boolean[] {
  const [first = [], ...others] = all.map(fatesOf);
  return first.map((own, i) => {
    const fates = [own, ...others.map((other) => other[i])];
    return (
      fates.includes("robust") &&
      !fates.includes("broken") &&
      !fates.includes("wrong")
    );
  });
}
