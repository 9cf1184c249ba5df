import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluateGate } from "#audit";
import { Random } from "#core";
import { type DecisionResult, decisionSchema, type Results } from "#results";
import { runsHeadline, runsRows } from "../../../reports/runs.ts";
import { compareResults } from "../../../src/audit/comparing/compare.ts";
import { anytimeRate } from "../../../src/audit/statistics/anytime.ts";
import { clopperPearson, rate } from "../../../src/audit/statistics/index.ts";
import { runs } from "../../runs.ts";
import { cell, outcomes } from "../cells.ts";
import { runOf } from "./runs.ts";

const ALL = 500;

/** A run that attacked all samples. */
const whole = (robust: number): Results =>
  runOf([cell({ outcomes: outcomes(robust, ALL - robust) })]);

/** A run whose only cell was attacked until its gate was decided. */
function decided(robust: number, attacked: number, trusted = true): Results {
  const early = {
    ...cell({ outcomes: outcomes(robust, attacked - robust), trusted }),
    robustAccuracy: anytimeRate(robust, attacked),
  };
  const { candidate, defense, attack, threatModel, robustAccuracy } = early;
  const decision: DecisionResult = {
    candidate,
    defense,
    threatModel: threatModel.id,
    attacks: [attack],
    limits: [0.5],
    attacked,
    of: ALL,
    order: Array.from({ length: attacked }, (_, i) => i),
    decided: true,
    reason: "The interval left 50 %.",
    robustAccuracy,
    cleanAccuracy: early.cleanAccuracy,
    trusted,
    evaluated: true,
    cells: [early],
  };
  expect(decisionSchema.parse(decision)).toEqual(decision);
  return {
    ...whole(robust),
    cells: [],
    worstCases: [],
    decisions: [decision],
  };
}

const robustRows = (old: Results, now: Results) =>
  compareResults(old, now).rows.filter(
    ({ metric }) => metric === "robustAccuracy",
  );

test("what was decided early is there, and says on how many samples", () => {
  const comparison = compareResults(whole(400), decided(35, 40));
  const rows = comparison.rows.filter((r) => r.metric === "robustAccuracy");
  expect(rows.map(({ attack }) => attack).sort()).toEqual(["pgd", null].sort());
  for (const row of rows) {
    expect(row).toMatchObject({
      change: "undecided",
      paired: 0,
      flips: [],
      old: { n: ALL },
      new: { n: 40 },
    });
    expect(row.reason).toMatch(
      /^decided early in the new run, on 40 of 500 samples: compared by an interval/,
    );
  }
  expect(runsHeadline(comparison)).not.toMatch(/gone/);
  const told = runsRows(comparison).filter((r) => r.what === "worst case");
  expect(told[0]).toMatchObject({ flips: "", word: "no change shown" });
  expect(told[0]!.note).toMatch(/on 40 of 500 samples/);
});

/** The same run, which tells of all samples which are right: those but the first. */
function withClean(run: Results, wrong: number): Results {
  const clean = "-".repeat(wrong) + "1".repeat(ALL - wrong);
  return {
    ...run,
    decisions: run.decisions!.map((one) => ({
      ...one,
      clean,
      cleanAccuracy: rate(ALL - wrong, ALL),
    })),
  };
}

const cleanRow = (old: Results, now: Results) =>
  compareResults(old, now).rows.find(
    ({ metric }) => metric === "cleanAccuracy",
  )!;

test("clean accuracy is paired on all samples where all cells were decided early", () => {
  const before = withClean(decided(35, 40), 20);
  const after = withClean(decided(30, 60), 60);
  expect(cleanRow(before, after)).toMatchObject({
    paired: ALL,
    lost: 40,
    gained: 0,
    change: "worse",
    old: { value: 0.96 },
    new: { value: 0.88 },
    trust: "both",
  });
  expect(cleanRow(before, after).flips).toHaveLength(40);
  // The attacked samples of a whole run are all right here.
  expect(cleanRow(before, whole(400))).toMatchObject({
    paired: ALL,
    lost: 0,
    gained: 20,
    change: "better",
  });
});

test("where a run does not tell which samples are right, exact intervals of all of them are compared", () => {
  const told = withClean(decided(35, 40), 20);
  const untold = (wrong: number): Results => {
    const run = withClean(decided(35, 40), wrong);
    const decisions = run.decisions!.map(({ clean: _, ...one }) => one);
    return { ...run, decisions };
  };
  const [low, high] = [
    clopperPearson(ALL - 20, ALL, 0.975),
    clopperPearson(ALL - 200, ALL, 0.975),
  ];
  const row = cleanRow(told, untold(200));
  expect(row).toMatchObject({ paired: 0, flips: [], change: "worse" });
  expect(row.difference!.low).toBeCloseTo(high.low - low.high);
  expect(row.difference!.high).toBeCloseTo(high.high - low.low);
  expect(row.reason).toMatch(
    /^the new run does not tell which samples are right: compared by an interval/,
  );
  expect(cleanRow(untold(20), told).change).toBe("undecided");
});

test("a clean accuracy of other samples is refused, with what to do", () => {
  const run = withClean(decided(35, 40), 20);
  const none = { ...run, decisions: [] };
  const row = cleanRow(run, none);
  expect(row.change).toBe("refused");
  expect(row.reason).toMatch(/no cell shows which .* give the candidate/);
});

test("large changes are told either way, and what is not trusted is not", () => {
  expect(robustRows(whole(450), decided(2, 40))[0]?.change).toBe("worse");
  expect(robustRows(decided(2, 40), whole(450))[0]?.change).toBe("better");
  expect(robustRows(decided(2, 40), decided(38, 40))[0]?.change).toBe("better");
  const doubted = robustRows(whole(450), decided(2, 40, false))[0];
  expect(doubted).toMatchObject({ change: "untrusted", pValue: null });
});

test("other attacks are refused as ever", () => {
  const now = decided(35, 40);
  const [attack] = now.attacks;
  const other = { ...now, attacks: [{ ...attack!, params: { steps: 2 } }] };
  expect(robustRows(whole(400), other)[0]).toMatchObject({
    change: "refused",
    reason: expect.stringContaining("the attack differs"),
  });
});

test("a rule about regressions is inconclusive about it, and says why", () => {
  const now = decided(35, 40);
  const comparison = compareResults(whole(400), now);
  const { verdict, rules } = evaluateGate(
    [{ regression: { robustAccuracy: { max: 0.02 } } }],
    { ...now, comparison, planned: [{ id: "full", replica: null }] },
  );
  expect(verdict).toBe("inconclusive");
  expect(JSON.stringify(rules)).toContain("decided early in the new run");
});

test("a change is called where nothing changed in at most 5 % of comparisons, whenever one ended", () => {
  const random = new Random(7);
  const draw = (share: number) => (random.uniform() < share ? 1 : 0);
  const WORLDS = 300;
  for (const share of [0.3, 0.7]) {
    let called = 0;
    for (let world = 0; world < WORLDS; world++) {
      let old = 0;
      for (let i = 0; i < ALL; i++) old += draw(share);
      // Whoever decides early ends when it suits best.
      let robust = 0;
      let worst = { robust: 0, n: 0, distance: -1 };
      for (let n = 1; n <= 200; n++) {
        robust += draw(share);
        if (n < 20 || n % 20 > 0) continue;
        const distance = Math.abs(robust / n - old / ALL) * Math.sqrt(n);
        if (distance > worst.distance) worst = { robust, n, distance };
      }
      const [row] = robustRows(whole(old), decided(worst.robust, worst.n));
      if (row!.change !== "undecided") called++;
    }
    expect(called / WORLDS).toBeLessThan(0.05);
  }
});

test("both orders of two runs tell the same", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: ALL }),
      fc.integer({ min: 0, max: 40 }),
      (all, few) => {
        const [one] = robustRows(whole(all), decided(few, 40));
        const [other] = robustRows(decided(few, 40), whole(all));
        expect(other!.pValue).toBe(one!.pValue);
        expect(other!.difference!.value).toBeCloseTo(-one!.difference!.value);
        expect(other!.difference!.low).toBeCloseTo(-one!.difference!.high);
      },
    ),
    runs(),
  );
});
