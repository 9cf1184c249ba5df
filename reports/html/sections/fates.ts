import { type Cell, type Fate, fatesOf, type Results } from "#results";

/** More fates than this, of all cells together, would make the report too large. */
const MOST_FATES = 400_000;

/** How many samples of each cell are listed one by one. */
export const listedOf = ({ cells }: Results): number => {
  const longest = Math.max(0, ...cells.map((c) => c.outcomes.length));
  return cells.length * longest <= MOST_FATES
    ? longest
    : Math.floor(MOST_FATES / cells.length);
};

/** "0-3 7": what is next to each other stands together. */
export function spans(samples: readonly number[], between = " "): string {
  const stretches: [number, number][] = [];
  for (const sample of samples) {
    const current = stretches.at(-1);
    if (current && current[1] === sample - 1) current[1] = sample;
    else stretches.push([sample, sample]);
  }
  return stretches
    .map(([from, to]) => (from === to ? from : `${from}-${to}`))
    .join(between);
}

/** "0-3,7:2 5:12": samples that fell after as many queries stand together. */
function byQueries(samples: readonly number[], queries: readonly number[]) {
  const groups = new Map<number, number[]>();
  for (const sample of samples) {
    const after = queries[sample] ?? 0;
    const group = groups.get(after);
    if (group) group.push(sample);
    else groups.set(after, [sample]);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([after, group]) => `${spans(group, ",")}:${after}`)
    .join(" ");
}

/**
 * What became of the first samples of a cell: those that the attack broke, with the
 * queries until then ("7,9:12") where it queries the model, those that are wrong
 * without it, and those that nobody asked about. The others withstood it.
 */
export function fatesIn(
  { outcomes, queriesToBreak }: Pick<Cell, "outcomes" | "queriesToBreak">,
  listed: number,
) {
  const fates = fatesOf(outcomes);
  const are = (wanted: Fate) =>
    fates.flatMap((fate, i) => (fate === wanted ? [i] : []));
  const [robust, allBroken, allWrong, allAbsent] = [
    are("robust"),
    are("broken"),
    are("wrong"),
    are("absent"),
  ];
  const broken = allBroken.filter((i) => i < listed);
  const counted = broken.some((i) => queriesToBreak[i]);
  return {
    counts: {
      robust: robust.length,
      broken: allBroken.length,
      wrong: allWrong.length,
      absent: allAbsent.length,
    },
    counted,
    broken: counted ? byQueries(broken, queriesToBreak) : spans(broken),
    wrong: spans(allWrong.filter((i) => i < listed)),
    absent: spans(allAbsent.filter((i) => i < listed)),
  };
}
