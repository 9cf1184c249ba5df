import type { Compared, Comparison, Results } from "../results/index.ts";
import {
  holm,
  mcnemar,
  newcombePaired,
  pairsOf,
  rate,
} from "../statistics/index.ts";
import { MAIN } from "../suite/index.ts";
import { apart, decidedNumbers } from "./apart.ts";
import { differencesOf } from "./differences.ts";
import { comparedFindings } from "./findings.ts";
import { type Counted, numbersOf } from "./numbers.ts";
import { type Pair, type Pairing, pairingOf } from "./pairing.ts";
import { otherAttack, otherTask } from "./refusals.ts";

/** How often a comparison calls anything better or worse where nothing changed. */
const LEVEL = 0.05;

/**
 * Compares two runs number by number, on the samples that both attacked: clean
 * accuracy, worst cases and cells, matched by candidate, defence, threat model and
 * attack. Each is tested by McNemar's exact test, all together by Holm, and what is not
 * of the same thing in both is refused with a reason. What was decided early
 * (`decide: true`) is compared by the intervals of both runs, and so is what a run does
 * not tell sample by sample. A number that one run
 * does not trust is called neither better nor worse. Findings of trials stand beside
 * each other without a test.
 * @example
 * ```ts
 * import { compareResults, readResults } from "assay";
 *
 * const [old, now] = [readResults("runs/first"), readResults("runs/second")];
 * const { rows } = compareResults(old, now);
 * for (const { candidate, change, lost, gained } of rows)
 *   console.log(candidate, change, lost, gained);
 * ```
 */
export function compareResults(old: Results, now: Results): Comparison {
  const before = allOf(old);
  const after = allOf(now);
  const keys = new Set([...after.keys(), ...before.keys()]);
  const runs = { old, new: now, pairings: new Map<string, Pairing | null>() };
  const rows = Array.from(keys, (key) =>
    compared(before.get(key), after.get(key), runs),
  );
  const tested = rows.filter(({ pValue }) => pValue !== null);
  const adjusted = holm(tested.map(({ pValue }) => pValue!));
  for (const [i, row] of tested.entries()) {
    row.adjusted = adjusted[i]!;
    if (row.adjusted <= LEVEL)
      row.change = row.difference!.value > 0 ? "better" : "worse";
  }
  return {
    old: sideOf(old),
    new: sideOf(now),
    differences: differencesOf(old, now),
    tests: tested.length,
    level: LEVEL,
    rows,
    findings: comparedFindings(old, now),
  };
}

const allOf = (run: Results) =>
  new Map(
    [...decidedNumbers(run), ...numbersOf(run)].map((one) => [one.key, one]),
  );

const sideOf = ({
  title,
  provenance: { assay, engine, suite },
}: Results): Comparison["old"] => ({
  title,
  assay,
  engine,
  suite: { file: suite.file, hash: suite.hash },
});

interface Runs {
  readonly old: Results;
  readonly new: Results;
  /** Of each task, as far as they were asked for. */
  readonly pairings: Map<string, Pairing | null>;
}

function compared(
  old: Counted | undefined,
  now: Counted | undefined,
  runs: Runs,
): Compared {
  const { place } = (now ?? old) as Counted;
  const row: Compared = {
    ...place,
    old: old?.rate ?? null,
    new: now?.rate ?? null,
    paired: 0,
    onlyOld: 0,
    onlyNew: 0,
    difference: null,
    lost: 0,
    gained: 0,
    pValue: null,
    adjusted: null,
    trust: trustOf(old, now),
    change: "undecided",
    reason: null,
    flips: [],
  };
  if (!old) return { ...row, change: "added", reason: "the old run has none" };
  if (!now) return { ...row, change: "gone", reason: "the new run has none" };
  const pairing = pairingFor(place.candidate, runs);
  const reason = refusal(old, now, runs, pairing);
  if (reason !== null || !pairing) return { ...row, change: "refused", reason };
  if (old.decided || now.decided || !old.fates || !now.fates)
    return { ...row, ...apart(old, now, row.trust === "both") };
  return { ...row, ...paired(old, now, pairing, row.trust === "both") };
}

const trustOf = (old?: Counted, now?: Counted): Compared["trust"] =>
  old?.trusted
    ? now?.trusted
      ? "both"
      : "old"
    : now?.trusted
      ? "new"
      : "neither";

/** The pairing of the samples of a candidate's task. */
function pairingFor(candidate: string, { old, new: now, pairings }: Runs) {
  const { member } = now.candidates.find(({ id }) => id === candidate) ?? {};
  const task = member?.task ?? MAIN;
  if (!pairings.has(task)) pairings.set(task, pairingOf(task, old, now));
  return pairings.get(task) ?? null;
}

/**
 * Why two numbers are not of the same thing, as half a sentence; null where they are.
 */
function refusal(
  old: Counted,
  now: Counted,
  runs: Runs,
  pairing: Pairing | null,
): string | null {
  const task = otherTask(now.place.candidate, runs.old, runs.new);
  if (task) return task;
  if (!pairing) return "the data differ, and no fingerprints pair its samples";
  if (pairing.pairs.length === 0)
    return "the data differ: no sample was attacked in both runs";
  if (!old.decided && !now.decided) {
    const sides = [
      [old, pairing.old],
      [now, pairing.new],
    ] as const;
    if (sides.some(([{ fates, rate }, n]) => !fates && rate.n !== n))
      return "no cell shows which samples are right; give the candidate an attack in both suites, or compare the accuracies of both reports by their intervals";
    if (sides.some(([{ fates }, n]) => fates && fates.length !== n))
      return "its outcomes are not those of the samples that were attacked";
  }
  const attacks = otherParts(
    old.cells.map(({ attack }) => attack),
    now.cells.map(({ attack }) => attack),
  );
  if (attacks) return `the attacks differ: ${attacks}`;
  const heads = otherParts(old.through, now.through);
  if (heads) return `the tasks on its trunk differ: ${heads}`;
  for (const cell of now.cells) {
    const other = old.cells.find(({ id }) => id === cell.id);
    const why = other && otherAttack(other, cell, runs, pairing);
    if (why) return now.cells.length > 1 ? `${cell.attack}: ${why}` : why;
  }
  return null;
}

/** What only one of two lists has, in words. */
function otherParts(
  old: readonly string[],
  now: readonly string[],
): string | null {
  const gone = old.filter((one) => !now.includes(one));
  const added = now.filter((one) => !old.includes(one));
  const parts = [
    gone.length > 0 ? `without ${gone.join(", ")} now` : [],
    added.length > 0 ? `with ${added.join(", ")} now` : [],
  ].flat();
  return parts.length > 0 ? parts.join(", ") : null;
}

/** Two numbers on the samples that both have. */
function paired(
  old: Counted,
  now: Counted,
  { pairs, ...sizes }: Pairing,
  isTrusted: boolean,
): Partial<Compared> {
  const fates = pairs.map((pair) => ({
    ...pair,
    was: old.fates![pair.old]!,
    now: now.fates![pair.new]!,
  }));
  const [before, after] = [
    fates.map(({ was }) => isGood(was)),
    fates.map(({ now }) => isGood(now)),
  ];
  const n = pairs.length;
  const both = pairsOf(after, before);
  const { onlyFirst: gained, onlySecond: lost } = both;
  return {
    old: rate(before.filter(Boolean).length, n),
    new: rate(after.filter(Boolean).length, n),
    paired: n,
    onlyOld: sizes.old - n,
    onlyNew: sizes.new - n,
    difference: { value: (gained - lost) / n, ...newcombePaired(both) },
    lost,
    gained,
    pValue: isTrusted ? mcnemar(gained, lost) : null,
    change: isTrusted ? "undecided" : "untrusted",
    reason: isTrusted ? null : "not trusted in both runs",
    flips: fates
      .filter((_, i) => before[i] !== after[i])
      .map(({ old, new: at, fingerprint, was, now }) => ({
        ...({ old, new: at, fingerprint } satisfies Pair),
        was,
        now,
      })),
  };
}

const isGood = (fate: Compared["flips"][number]["was"]): boolean =>
  fate === "robust" || fate === "right";
