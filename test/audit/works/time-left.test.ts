import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { leftSaid } from "../../../bench/scale/trace.ts";
import {
  firstRuns,
  isRight,
  leftOut,
  recorded,
  sourceOf,
  TABLE,
} from "../../../bench/scale/usual.ts";
import { usualTable } from "../../../bench/scale/usual-table.ts";
import {
  type Moment,
  type RunningWork,
  type SortSoFar,
  secondsLeft,
} from "../../../src/audit/works/seconds-left.ts";
import { follower } from "../../../src/audit/works/standing.ts";
import { packagePath } from "../../../src/core/index.ts";
import { runs } from "../../runs.ts";

const seconds = fc.double({ min: 0.01, max: 1e4, noNaN: true });

const sorts = ["model", "examples pgd", "examples noise", "probes pgd"];

/** A run in the middle, whose sorts all have something done. */
const moments = fc
  .record({
    sorts: fc.array(
      fc.record({
        isLearned: fc.boolean(),
        usual: seconds,
        waiting: fc.oneof(fc.constant(0), seconds),
        done: seconds,
      }),
      { minLength: 1, maxLength: sorts.length },
    ),
    running: fc.array(
      fc.record({
        sort: fc.nat(),
        predicted: seconds,
        begins: fc.double({ min: 0, max: 0.9, noNaN: true }),
        share: fc.option(fc.double({ min: 0.05, max: 0.95, noNaN: true })),
        behind: fc.oneof(fc.constant(0), seconds),
      }),
      { maxLength: 4 },
    ),
    factor: fc.double({ min: 0.1, max: 10, noNaN: true }),
    hands: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ sorts: of, running, factor, hands }) => {
    /** Where all takes `by` times what was predicted. */
    const momentBy = (by: number): Moment => ({
      sorts: new Map(
        of.map((sums, i): [string, SortSoFar] => [
          sorts[i]!,
          {
            ...sums,
            kind: sorts[i]!.split(" ")[0]!,
            took: by * sums.done,
          },
        ]),
      ),
      running: running.map(({ sort, predicted, begins, share, behind }) => {
        const begin = begins * predicted;
        const done = share === null ? 0 : begin + share * (predicted - begin);
        const taken = by * done;
        return {
          sort: sorts[sort % of.length]!,
          predicted,
          begin,
          taken,
          said: share === null ? undefined : { share, after: taken },
          behind,
        } satisfies RunningWork;
      }),
      longest: 0,
      hands,
    });
    return { momentBy, factor };
  });

test("what takes as long as was predicted is left as it was predicted", () => {
  fc.assert(
    fc.property(moments, ({ momentBy }) => {
      const moment = momentBy(1);
      const ofRunning = moment.running.map(({ predicted, begin, said }) =>
        said ? (predicted - begin) * (1 - said.share) : predicted,
      );
      let all = ofRunning.reduce((sum, one) => sum + one, 0);
      for (const { waiting } of moment.sorts.values()) all += waiting;
      const path = Math.max(
        0,
        ...moment.running.map(({ behind }, i) => ofRunning[i]! + behind),
      );
      const expected = Math.max(all / moment.hands, path);
      expect(secondsLeft(moment)! / (expected || 1)).toBeCloseTo(
        expected ? 1 : 0,
        6,
      );
    }),
    runs(),
  );
});

test("where all takes longer than was predicted, more is left, but never more than in proportion", () => {
  fc.assert(
    fc.property(moments, ({ momentBy, factor }) => {
      const [as, by] = [momentBy(1), momentBy(factor)].map(
        (moment) => secondsLeft(moment)!,
      ) as [number, number];
      const [least, most] = factor < 1 ? [factor, 1] : [1, factor];
      expect(by).toBeGreaterThanOrEqual(least * as * (1 - 1e-9));
      expect(by).toBeLessThanOrEqual(most * as * (1 + 1e-9));
    }),
    runs(),
  );
});

const nothing = { kind: "model", usual: 10, waiting: 0, done: 0, took: 0 };

test("of what was never done nothing is said, until a work says how far it is", () => {
  const moment = (said?: RunningWork["said"]): Moment => ({
    sorts: new Map([
      ["model", { ...nothing, isLearned: false }],
      ["probes", { ...nothing, isLearned: false, waiting: 30, kind: "probes" }],
    ]),
    running: [
      { sort: "model", predicted: 10, begin: 0, taken: 50, said, behind: 30 },
    ],
    longest: 0,
    hands: 1,
  });
  expect(secondsLeft(moment())).toBeNull();
  // It takes ten times what was guessed, and so may the others.
  const left = secondsLeft(moment({ share: 0.5, after: 50 }))!;
  expect(left).toBeGreaterThan(0.6 * 350);
  expect(left).toBeLessThanOrEqual(350);
});

test("a work that says how far it is needs no prediction, and counts down since", () => {
  const left = (taken: number) =>
    secondsLeft({
      sorts: new Map([["model", { ...nothing, isLearned: true }]]),
      running: [
        {
          sort: "model",
          predicted: 10,
          begin: 0,
          taken,
          said: { share: 0.5, after: 100 },
          behind: 0,
        },
      ],
      longest: 0,
      hands: 2,
    })!;
  expect(left(100)).toBeGreaterThan(60);
  expect(left(100)).toBeLessThanOrEqual(100);
  expect(left(100) - left(130)).toBeCloseTo(30);
  expect(left(1000)).toBe(0);
});

const work = {
  kind: "work",
  state: "started",
  done: 0,
  total: 2,
  running: 1,
  failed: 0,
  waiting: 0,
  seconds: 0,
  left: null,
} as const;

test("how far a work is counts by the work that says it, and only where it is of the whole", () => {
  const { onEvent, saidBy } = follower();
  onEvent({ ...work, work: "examples aa/none/pgd", of: "examples" });
  onEvent({ ...work, work: "examples a/none/pgd", of: "examples" });
  const tell = (share: number, of?: string) =>
    onEvent({ kind: "progress", what: "a/none/pgd", share, work: of });
  tell(0, "examples a/none/pgd");
  tell(0.25, "examples a/none/pgd");
  expect(saidBy("examples a/none/pgd")?.share).toBe(0.25);
  expect(saidBy("examples aa/none/pgd")).toBeUndefined();
  // It begins with something else, of which nobody knows how much there is.
  for (const share of [0.5, 0.1, 0.9]) tell(share, "examples a/none/pgd");
  expect(saidBy("examples a/none/pgd")).toBeUndefined();
  // A check of whether to stop says that all is done.
  tell(1, "examples aa/none/pgd");
  tell(0.5, "examples aa/none/pgd");
  expect(saidBy("examples aa/none/pgd")).toBeUndefined();
});

test("epochs are of the whole where a work is one training", () => {
  for (const [of, share] of [
    ["model", 0.5],
    ["trial", undefined],
  ] as const) {
    const { onEvent, saidBy } = follower();
    onEvent({ ...work, work: "the work", of });
    onEvent({
      kind: "epoch",
      model: "m",
      epoch: 2,
      epochs: 4,
      validationAccuracy: 0.5,
    });
    expect(saidBy("the work")?.share).toBe(share);
  }
});

const traces = recorded();
const first = firstRuns(traces);

/** Both runs of suites that were run twice: as they were never done, and once more. */
const suites = first.flatMap((trace) => {
  const again = traces.findLast(({ suite }) => suite === trace.suite)!;
  return again === trace ? [] : [[trace.suite, [trace, again]] as const];
});

test("the table of what works usually take is what the recorded runs say", () => {
  expect(readFileSync(packagePath(...TABLE), "utf8")).toBe(
    sourceOf(usualTable(first)),
  );
});

test("a first run of a suite of which works were recorded is mostly right at a tenth", () => {
  const ratios = first.map((trace) => leftSaid(trace, 1, [], [0.1])[0]!);
  const right = ratios.filter(isRight);
  expect(right.length / ratios.length).toBeGreaterThanOrEqual(0.75);
});

test("by runs of other suites, a first run is often right at a tenth, and seldom far off", () => {
  const ratios = first
    // Where a tenth is less than half a second, nothing may be known yet.
    .filter(
      ({ works }) => works.reduce((sum, work) => sum + work.seconds, 0) > 5,
    )
    .map((trace) => leftOut(trace, first)[0]!);
  const within = (factor: number) =>
    ratios.filter((ratio) => Math.abs(Math.log(ratio)) <= Math.log(factor))
      .length / ratios.length;
  expect(ratios.length).toBeGreaterThan(10);
  expect(within(1.5)).toBeGreaterThanOrEqual(0.4);
  expect(within(2.2)).toBeGreaterThanOrEqual(0.8);
});

test.each(suites)(
  "of %s it is within a factor of 2.5 from a quarter on where nothing was ever done",
  (_, [first, again]) => {
    for (const trace of [first, again])
      for (const ratio of leftSaid(trace!, 1, [], [0.25, 0.5, 0.75])) {
        expect(ratio).toBeGreaterThan(1 / 2.5);
        expect(ratio).toBeLessThan(2.5);
      }
  },
);

test.each(suites)(
  "of %s the time left is right within a factor of 1.5 from a tenth on, whatever the hands",
  (_, [first, again]) => {
    const all = first!.works.reduce((sum, work) => sum + work.seconds, 0);
    // Four hands end a run of seconds in one work, whose tenths of a second decide.
    for (const hands of all > 10 ? [1, 2, 4] : [1, 2])
      for (const [trace, before] of [
        [again, first],
        [first, again],
      ])
        for (const ratio of leftSaid(trace!, hands, [before!])) {
          expect(ratio).toBeGreaterThan(1 / 1.5);
          expect(ratio).toBeLessThan(1.5);
        }
  },
);
