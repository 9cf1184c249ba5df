/** Works of a sort in the middle of a run; all numbers are seconds. */
export interface SortSoFar {
  readonly kind: string;
  /** Whether what they take was learned before this run; else it is a guess. */
  readonly isLearned: boolean;
  /** That one was predicted to take, in the mean of all. */
  readonly usual: number;
  /** That those were predicted to take which wait. */
  readonly waiting: number;
  /** That those were predicted to take which are done, and that they took. */
  readonly done: number;
  readonly took: number;
}

/** A work that runs. */
export interface RunningWork {
  readonly sort: string;
  /**
   * Seconds that it was predicted to take, those of them to begin, and that it has
   * taken.
   */
  readonly predicted: number;
  readonly begin: number;
  readonly taken: number;
  /** What it said last of how far it is, between 0 and 1, after how many seconds. */
  readonly said?: { readonly share: number; readonly after: number };
  /** Seconds that were predicted of the longest path behind it, without itself. */
  readonly behind: number;
}

/** A run in the middle. */
export interface Moment {
  readonly sorts: ReadonlyMap<string, SortSoFar>;
  readonly running: readonly RunningWork[];
  /** Seconds that were predicted of the longest path of works that wait. */
  readonly longest: number;
  /** How many works are done at once. */
  readonly hands: number;
}

/**
 * How much is to be seen, in works, until it counts as much as what was believed
 * before: of all works against their predictions, of a kind against all, of a sort
 * against its kind. A guess is soon given up.
 */
const TRUSTED = {
  learned: { all: 2, kind: 2, sort: 1 },
  guessed: { all: 0.5, kind: 0.3, sort: 0.3 },
};

/** The same of a work that says how far it is, against its sort. */
const TRUSTED_OF_OTHERS = 0.1;

/** Predicted seconds, and what became of them. */
interface Seen {
  readonly predicted: number;
  readonly taken: number;
}

/**
 * Seconds until all works are done, or null where nothing is known: nothing was
 * learned before, and no work has ended or said how far it is.
 *
 * What was predicted is multiplied by what works took over what was predicted of
 * them, shrunk level by level: of all works to 1, of a kind to all, of a sort to its
 * kind, of a work that runs to its sort. What is left is shared among the hands, or
 * is what is left of the longest path, where that is more.
 */
export function secondsLeft({
  sorts,
  running,
  longest,
  hands,
}: Moment): number | null {
  const factors = factorsOf(sorts, running);
  if (!factors) return null;
  let rest = 0;
  let predicted = 0;
  for (const [sort, { waiting }] of sorts) {
    rest += waiting * factors.get(sort)!;
    predicted += waiting;
  }
  const scale = predicted > 0 ? rest / predicted : 1;
  let path = longest * scale;
  for (const work of running) {
    const left = leftOf(work, factors.get(work.sort)!);
    rest += left;
    path = Math.max(path, left + work.behind * scale);
  }
  return Math.max(rest / Math.max(1, hands), path);
}

/** What the predictions of each sort are multiplied by; undefined of nothing. */
function factorsOf(
  sorts: Moment["sorts"],
  running: Moment["running"],
): ReadonlyMap<string, number> | undefined {
  const all = Array.from(sorts, ([sort, of]) => {
    const told = running.flatMap((work) =>
      work.sort === sort && work.said ? [seenOf(work, work.said)] : [],
    );
    const seen = sumOf([{ predicted: of.done, taken: of.took }, ...told]);
    return { sort, ...of, seen };
  });
  if (all.every(({ isLearned, seen }) => !isLearned && seen.predicted === 0))
    return undefined;
  const level = (some: typeof all, before: number, of: "all" | "kind") => {
    const { isLearned = false } = some[0] ?? {};
    const weight = TRUSTED[isLearned ? "learned" : "guessed"][of];
    const usual = Math.max(0, ...some.map((one) => one.usual));
    return shrunk(before, weight * usual, sumOf(some.map(({ seen }) => seen)));
  };
  const learned = level(
    all.filter(({ isLearned }) => isLearned),
    1,
    "all",
  );
  const guessed = level(
    all.filter(({ isLearned }) => !isLearned),
    learned,
    "all",
  );
  const kinds = new Map<string, number>();
  const kindOf = (kind: string, isLearned: boolean) => {
    const key = `${kind} ${isLearned}`;
    const known = kinds.get(key);
    if (known !== undefined) return known;
    const some = all.filter(
      (one) => one.kind === kind && one.isLearned === isLearned,
    );
    const found = level(some, isLearned ? learned : guessed, "kind");
    kinds.set(key, found);
    return found;
  };
  return new Map(
    all.map(({ sort, kind, isLearned, usual, seen }) => {
      const weight = TRUSTED[isLearned ? "learned" : "guessed"].sort;
      return [sort, shrunk(kindOf(kind, isLearned), weight * usual, seen)];
    }),
  );
}

/** Seconds that are left of a work that runs. */
function leftOf(
  { predicted, begin, taken, said }: RunningWork,
  factor: number,
): number {
  if (!said) return Math.max(0, factor * predicted - taken);
  const own = shrunk(
    factor,
    TRUSTED_OF_OTHERS * predicted,
    seenOf({ predicted, begin }, said),
  );
  const then = (1 - said.share) * own * (predicted - begin);
  return Math.max(0, then - (taken - said.after));
}

/**
 * What a work that runs has said of itself: it has begun, and done a share of the
 * rest.
 */
const seenOf = (
  { predicted, begin }: Pick<RunningWork, "predicted" | "begin">,
  { share, after }: NonNullable<RunningWork["said"]>,
): Seen => ({ predicted: begin + share * (predicted - begin), taken: after });

/** What was seen over what was predicted, as far as it counts against `before`. */
const shrunk = (before: number, weight: number, { predicted, taken }: Seen) =>
  weight + predicted > 0
    ? (weight * before + taken) / (weight + predicted)
    : before;

const sumOf = (all: readonly Seen[]): Seen => ({
  predicted: all.reduce((sum, { predicted }) => sum + predicted, 0),
  taken: all.reduce((sum, { taken }) => sum + taken, 0),
});
