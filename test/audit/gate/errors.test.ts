import { describe, expect, it } from "vitest";
import { Random } from "#core";
import type { Cell } from "#results";
import { compareResults } from "../../../src/audit/comparing/compare.ts";
import { evaluateGate } from "../../../src/audit/gate/evaluate.ts";
import type { GateConfig } from "../../../src/audit/suite/gate-rules.ts";
import { cell, outcomes } from "../cells.ts";
import { runOf, twoRuns } from "../comparing/runs.ts";

const gateOf = (
  rules: GateConfig,
  cells: readonly Cell[],
  before?: readonly Cell[],
) => {
  const run = runOf(cells);
  return evaluateGate(rules, {
    ...run,
    planned: run.candidates,
    comparison: before && compareResults(runOf(before), run),
  });
};

const names = (count: number) =>
  Array.from({ length: count }, (_, i) => `candidate-${i}`);

// docs/comparing.md says what was found at the full size (`npm run truths -- --only
// gate-error`).
describe("the error of the whole gate", () => {
  const rules = [{ robustAccuracy: { min: 0.6 } }];

  /** How often a gate of 20 independent rows has each verdict, in 200 runs. */
  function verdicts(share: (i: number) => number, random: Random) {
    const found = { passed: 0, failed: 0, inconclusive: 0, none: 0 };
    for (let k = 0; k < 200; k++) {
      const cells = names(20).map((candidate, i) => {
        let robust = 0;
        for (let s = 0; s < 200; s++) if (random.uniform() < share(i)) robust++;
        return cell({ candidate, outcomes: outcomes(robust, 200 - robust) });
      });
      found[gateOf(rules, cells).verdict]++;
    }
    return found;
  }

  it("20 rows at their limit fail it in at most 5 % of runs", () => {
    const { failed, passed } = verdicts(() => 0.6, new Random(1));
    expect(failed).toBeLessThanOrEqual(10);
    expect(passed).toBe(0);
  });

  it("it passes in at most 5 % of runs where one of 20 is at its limit", () => {
    const { passed, failed } = verdicts((i) => (i ? 0.9 : 0.6), new Random(2));
    expect(passed).toBeLessThanOrEqual(10);
    expect(failed).toBeLessThanOrEqual(10);
  });

  it("it still fails where one of 20 is far outside", () => {
    const { failed } = verdicts((i) => (i ? 0.7 : 0.4), new Random(3));
    expect(failed).toBeGreaterThanOrEqual(195);
  });

  it("is stated, with the rows that share it", () => {
    const cells = names(3).map((candidate) =>
      cell({ candidate, outcomes: outcomes(90, 10) }),
    );
    expect(gateOf(rules, cells).errors).toEqual({
      rows: 3,
      falseFailure: 0.025,
      falsePass: 0.025,
    });
  });

  it("a row that is outside by itself alone says so", () => {
    const near = cell({ candidate: "near", outcomes: outcomes(52, 48) });
    expect(gateOf(rules, [near]).verdict).toBe("inconclusive");
    const outside = cell({ candidate: "out", outcomes: outcomes(49, 51) });
    expect(gateOf(rules, [outside]).verdict).toBe("failed");
    const many = names(19).map((candidate) =>
      cell({ candidate, outcomes: outcomes(90, 10) }),
    );
    const gate = gateOf(rules, [...many, outside]);
    expect(gate.verdict).toBe("inconclusive");
    expect(gate.rules.at(-1)?.reason).toContain(
      "outside the limit of at least 60 % by itself, and not beyond what chance does among 20 numbers",
    );
  });
});

it("an undecided row says how many samples would decide", () => {
  const gate = gateOf(
    [{ robustAccuracy: { min: 0.6 } }],
    [cell({ outcomes: outcomes(65, 35) })],
  );
  const [{ samples, reason } = {}] = gate.rules;
  expect(samples).toBeGreaterThan(700);
  expect(samples).toBeLessThan(800);
  expect(reason).toContain(`about ${samples} if it is as measured`);
});

describe("a rule about regressions", () => {
  const rule: GateConfig = [
    {
      regression: {
        robustAccuracy: { max: 0.02 },
        cleanAccuracy: { max: 0.02 },
      },
    },
  ];
  const runs = (n: number, drop: number, seed = 1) => {
    const shares = { clean: 0.9, robust: 0.5, drop, churn: 0.01 };
    const [old, now] = twoRuns(n, shares, new Random(seed));
    return [cell({ outcomes: now }), cell({ outcomes: old })] as const;
  };
  const verdicts = (now: Cell, old?: Cell) =>
    gateOf(rule, [now], old && [old]).rules.map((one) => one.verdict);

  it("fails where it is worse by more than the margin, and passes where it is not", () => {
    expect(verdicts(...runs(2000, 0.08))).toEqual(["failed", "passed"]);
    expect(verdicts(...runs(2000, 0))).toEqual(["passed", "passed"]);
  });

  it("is inconclusive where it cannot tell, and says how many would", () => {
    const [now, old] = runs(100, 0.04);
    const { rules } = gateOf(rule, [now], [old]);
    expect(rules[0]?.verdict).toBe("inconclusive");
    expect(rules[0]?.samples).toBeGreaterThan(100);
  });

  it("decides nothing without a baseline, or of what is not trusted or not alike", () => {
    const [now, old] = runs(2000, 0.08);
    expect(verdicts(now)).toEqual(["inconclusive", "inconclusive"]);
    expect(verdicts({ ...now, trusted: false }, old)).toEqual([
      "inconclusive",
      "passed",
    ]);
    const stronger = {
      ...now,
      threatModel: { ...now.threatModel, eps: 0.2 },
    };
    const { rules } = gateOf(rule, [stronger], [old]);
    expect(rules.map(({ verdict }) => verdict)).toContain("inconclusive");
    expect(rules.map(({ reason }) => reason).join()).toContain(
      "the threat model differs: eps 0.1, now 0.2",
    );
  });

  it("misses nothing that only the baseline has, and asks nothing of what is new", () => {
    const [now, old] = runs(2000, 0);
    const other = { candidate: "other", outcomes: old.outcomes };
    const { rules } = gateOf(rule, [now], [old, cell(other)]);
    expect(rules.map(({ subject, verdict }) => [subject, verdict])).toEqual([
      ["full / none / linf-0.1 since the baseline", "passed"],
      ["other / none / linf-0.1 since the baseline", "inconclusive"],
      ["full / none since the baseline", "passed"],
      ["other / none since the baseline", "inconclusive"],
    ]);
    expect(gateOf(rule, [now, cell(other)], [old]).rules).toHaveLength(2);
  });

  it("is narrowed by candidate, defence and threat model", () => {
    const [now, old] = runs(500, 0);
    const narrowed = (selectors: object) =>
      gateOf(
        [{ regression: { robustAccuracy: { max: 0.02 }, ...selectors } }],
        [now, { ...now, candidate: "head" }],
        [old, { ...old, candidate: "head" }],
      ).rules.map(({ subject }) => subject);
    expect(narrowed({ candidate: "head" })).toEqual([
      "head / none / linf-0.1 since the baseline",
    ]);
    expect(narrowed({ threatModel: "linf-0.1" })).toHaveLength(2);
  });
});
