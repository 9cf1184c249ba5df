import { type Cell, type Fate, fatesOf, type Results } from "#results";
import { whole } from "../../format.ts";

/** More fates than this, of all cells together, are letters instead of lists. */
const MOST_IN_LISTS = 100_000;
/** More letters than this would make the report too large. */
const MOST_FATES = 600_000;

/** Letters of a line, so that a sample is found without counting far. */
const LINE = 20;

/** What became of the samples of cells, and how it is written. */
export interface Told {
  /** How many samples of each cell are told of one by one. */
  readonly listed: number;
  /** As letters, which take a byte a sample whatever became of it. */
  readonly lettered: boolean;
}

/** How the fates of a run are told, so that its report stays small. */
export function toldOf({ cells }: Results): Told {
  const longest = Math.max(0, ...cells.map((c) => c.outcomes.length));
  const all = cells.length * longest;
  return {
    listed: all <= MOST_FATES ? longest : Math.floor(MOST_FATES / cells.length),
    lettered: all > MOST_IN_LISTS,
  };
}

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

/** The k-th of 1, 2, 5, 10, 20, ... */
const stepAt = (k: number): number =>
  [1, 2, 5][k % 3]! * 10 ** Math.floor(k / 3);

/** "A": the sample fell within stepAt(0) queries, "B" within stepAt(1), ... */
function stepOf(queries: number): number {
  let k = 0;
  while (stepAt(k) < queries) k++;
  return k;
}

const letters = { robust: ".", wrong: "w", absent: "n", broken: "X" } as const;

/** "0 .....AB... ..w...D...", a line for each twenty samples. */
export function lettersOf(
  fates: readonly Fate[],
  queries: readonly number[],
): string {
  const all = fates.map((fate, i) =>
    fate === "broken" && queries[i]
      ? String.fromCharCode(65 + stepOf(queries[i]))
      : letters[fate],
  );
  return Array.from({ length: Math.ceil(all.length / LINE) }, (_, line) => {
    const [from, half] = [LINE * line, LINE * line + LINE / 2];
    const [one, two] = [all.slice(from, half), all.slice(half, from + LINE)];
    return `${from} ${one.join("")} ${two.join("")}`.trimEnd();
  }).join("\n");
}

/** "A 1, B 2, C 5, ...": what letters say of the queries of a run. */
export function letterKey({ cells }: Results): string {
  const most = cells.reduce(
    (most, c) => c.queriesToBreak.reduce((a, b) => Math.max(a, b), most),
    1,
  );
  return Array.from(
    { length: stepOf(most) + 1 },
    (_, k) => `${String.fromCharCode(65 + k)} ${whole(stepAt(k))}`,
  ).join(", ");
}

/**
 * What became of the samples of a cell. As lists: those that the attack broke, with the
 * queries until then ("7,9:12") where it queries the model, those that are wrong
 * without it, and those that nobody asked about; the others withstood it. Or as
 * letters, one for each of the first samples.
 */
export function fatesIn(
  { outcomes, queriesToBreak }: Pick<Cell, "outcomes" | "queriesToBreak">,
  { listed, lettered }: Told,
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
  const counts = {
    robust: robust.length,
    broken: allBroken.length,
    wrong: allWrong.length,
    absent: allAbsent.length,
  };
  if (lettered)
    return {
      counts,
      letters: lettersOf(fates.slice(0, listed), queriesToBreak),
      counted: false,
      broken: "",
      wrong: "",
      absent: "",
    };
  const counted = allBroken.some((i) => queriesToBreak[i]);
  return {
    counts,
    letters: "",
    counted,
    broken: counted ? byQueries(allBroken, queriesToBreak) : spans(allBroken),
    wrong: spans(allWrong),
    absent: spans(allAbsent),
  };
}
