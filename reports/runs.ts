import { percent } from "#core";
import type { Compared, Comparison } from "#results";
import { plain, points, pValue } from "./format.ts";

/** What became of a number between two runs, in one or two words. */
export const changeWords: Record<Compared["change"], string> = {
  worse: "worse",
  better: "better",
  gone: "gone",
  refused: "not comparable",
  untrusted: "not trusted",
  undecided: "no change shown",
  added: "new",
};

const order = Object.keys(changeWords);

/**
 * Whether a row is worth a look: not where no change is shown by all samples, nor where
 * nobody trusted the number and nothing moved.
 */
export const isTold = ({ change, trust, flips, reason }: Compared): boolean =>
  (change !== "undecided" || reason !== null) &&
  change !== "added" &&
  !(change === "untrusted" && trust === "neither" && flips.length === 0);

/** A row of a comparison as people read it. */
export interface RunsRow {
  readonly change: Compared["change"];
  readonly word: string;
  readonly what: string;
  readonly candidate: string;
  readonly defense: string;
  readonly threat: string;
  readonly old: string;
  readonly now: string;
  readonly difference: string;
  readonly interval: string;
  readonly test: string;
  readonly flips: string;
  readonly note: string;
}

/** The rows of a comparison: what became worse first. */
export const runsRows = ({
  rows,
}: Comparison): (RunsRow & { of: Compared })[] =>
  rows
    .toSorted((a, b) => order.indexOf(a.change) - order.indexOf(b.change))
    .map((row) => ({ ...rowInWords(row), of: row }));

function rowInWords(row: Compared): RunsRow {
  const { difference, lost, gained, adjusted } = row;
  const share = (rate: Compared["old"]) => (rate ? percent(rate.value) : "-");
  return {
    change: row.change,
    word: changeWords[row.change],
    what:
      row.metric === "cleanAccuracy"
        ? "clean"
        : row.attack === null
          ? "worst case"
          : plain(row.attack) + (row.adaptive === false ? ", as is" : ""),
    candidate: plain(row.candidate),
    defense: plain(row.defense),
    threat: row.threatModel === null ? "" : plain(row.threatModel),
    old: share(row.old),
    now: share(row.new),
    difference: difference ? points(difference.value) : "",
    interval: difference
      ? `[${(100 * difference.low).toFixed(1)}, ${(100 * difference.high).toFixed(1)}]`
      : "",
    test: adjusted === null ? "" : pValue(adjusted),
    flips: row.paired > 0 ? `${lost} lost, ${gained} gained` : "",
    note: noteOf(row),
  };
}

/** Why a number is not compared, how its trust changed, and what is not paired. */
function noteOf({
  change,
  reason,
  trust,
  paired,
  onlyOld,
  onlyNew,
}: Compared): string {
  const doubt = {
    both: "",
    old: "trusted before, not trusted now",
    new: "not trusted before, trusted now",
    neither: "trusted in neither run",
  }[trust];
  const isThere = change !== "gone" && change !== "added";
  const isWhole = onlyOld === 0 && onlyNew === 0;
  return [
    reason && change !== "untrusted" ? plain(reason) : "",
    isThere ? doubt : "",
    paired > 0 && !isWhole
      ? `on ${paired} samples that both runs have, without ${onlyOld} of the old and ${onlyNew} of the new`
      : "",
  ]
    .filter(Boolean)
    .join("; ");
}

/** What two runs come to, in a sentence. */
export function runsHeadline({ rows, tests }: Comparison): string {
  const count = (change: Compared["change"]) =>
    rows.filter((row) => row.change === change).length;
  const others = (["untrusted", "refused", "gone", "added"] as const)
    .map((change) => [count(change), changeWords[change]] as const)
    .filter(([n]) => n > 0)
    .map(([n, word]) => `${n} ${word}`);
  return `Of ${tests} numbers that were tested, ${count("worse")} became worse and ${count("better")} better.${others.length > 0 ? ` Besides: ${others.join(", ")}.` : ""}`;
}

/** How the numbers of a comparison were made, in a sentence or two. */
export const runsMethod = ({ tests, level }: Comparison): string =>
  `The same samples of both runs, by McNemar's exact test; p-values are Holm's over all ${tests} tests, so that in ${Number((100 * level).toFixed(1))} % of comparisons at most they call anything better or worse where nothing changed. Intervals are Newcombe's paired ones at 95 %, each by itself. What one run decided early is compared by an interval of each run instead.`;

/** Two runs by their titles. */
export const runsTitle = ({ old, new: now }: Comparison): string =>
  old.title === now.title
    ? `${plain(now.title)}: before and now`
    : `${plain(now.title)}, beside ${plain(old.title)}`;
