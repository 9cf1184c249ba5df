import { AssayError } from "#core";
import { holm, mcnemar, pairsOf } from "../statistics/index.ts";
import type { Entry } from "./contenders.ts";

/** Which of several entries are shown to be better than which, number by number. */
export interface Shown {
  /** Whether one is shown to be better than the other in a number. */
  betterIn(one: Entry, other: Entry, number: number): boolean;
  /** How many tests share the level. */
  readonly tests: number;
}

/**
 * Compares all entries of each task in every number, on the same samples, by McNemar's
 * exact test; all tests together by Holm, so that any of them calls one of two equals
 * better in at most `level` of audits.
 *
 * @param tasks the entries of each task, which have the same numbers and samples
 * @throws CELLS_UNPAIRED where two numbers are not of as many samples
 */
export function shownAmong(
  tasks: readonly (readonly Entry[])[],
  level: number,
): Shown {
  const tests = tasks.flatMap((entries) =>
    entries.flatMap((one, i) =>
      entries
        .slice(i + 1)
        .flatMap((other) =>
          one.numbers.map((_, number) => testOf(one, other, number)),
        ),
    ),
  );
  const adjusted = holm(tests.map(({ pValue }) => pValue));
  const shown = new Map<Entry, Map<Entry, Set<number>>>();
  for (const [i, { better, worse, number }] of tests.entries()) {
    if (adjusted[i]! > level) continue;
    const own = shown.get(better) ?? new Map<Entry, Set<number>>();
    shown.set(
      better,
      own.set(worse, (own.get(worse) ?? new Set()).add(number)),
    );
  }
  return {
    betterIn: (one, other, number) =>
      shown.get(one)?.get(other)?.has(number) ?? false,
    tests: tests.length,
  };
}

function testOf(one: Entry, other: Entry, number: number) {
  const [first, second] = [one, other].map((e) => e.numbers[number]!.good) as [
    boolean[],
    boolean[],
  ];
  if (first.length !== second.length)
    throw new AssayError(
      "CELLS_UNPAIRED",
      `${one.candidate} was compared on ${first.length} samples and ${other.candidate} on ${second.length}, expected the same samples`,
      "Run both again on the same data.",
    );
  const { onlyFirst, onlySecond } = pairsOf(first, second);
  const isFirst = onlyFirst > onlySecond;
  return {
    better: isFirst ? one : other,
    worse: isFirst ? other : one,
    number,
    pValue: mcnemar(onlyFirst, onlySecond),
  };
}
