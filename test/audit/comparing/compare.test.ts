import { describe, expect, it } from "vitest";
import { Random } from "#core";
import { type Results, resultsSchema } from "#results";
import { baselineOf } from "../../../src/audit/comparing/baseline.ts";
import { compareResults } from "../../../src/audit/comparing/compare.ts";
import { cell, outcomes } from "../cells.ts";
import { fingerprints, runOf, twoRuns } from "./runs.ts";

const rowsOf = (old: Results, now: Results, attack: string | null = "pgd") =>
  compareResults(old, now).rows.filter(
    (row) => row.metric === "robustAccuracy" && row.attack === attack,
  );

describe("two runs of the same samples", () => {
  const old = runOf([cell({ outcomes: "1111100000--" })]);
  const now = runOf([cell({ outcomes: "1110000011-1" })]);

  it("list what flipped, by where it is in both documents", () => {
    const [row] = rowsOf(old, now);
    expect(row).toMatchObject({
      paired: 12,
      lost: 2,
      gained: 3,
      change: "undecided",
    });
    expect(row?.difference?.value).toBeCloseTo(1 / 12);
    expect(row?.flips.map(({ new: at, was, now }) => [at, was, now])).toEqual([
      [3, "robust", "broken"],
      [4, "robust", "broken"],
      [8, "broken", "robust"],
      [9, "broken", "robust"],
      [11, "wrong", "robust"],
    ]);
    expect(row?.flips[0]?.fingerprint).toBe("000000000003");
  });

  it("are paired by fingerprint, wherever a sample stands, and copies in their order", () => {
    const [a, b, c] = ["a".repeat(12), "b".repeat(12), "c".repeat(12)];
    const first = runOf([cell({ outcomes: "1100" })], {
      samples: [{ task: "main", fingerprints: [a, b, b, c].join(" ") }],
    });
    const second = runOf([cell({ outcomes: "0110" })], {
      samples: [{ task: "main", fingerprints: [c, b, a, b].join(" ") }],
    });
    const [row] = rowsOf(first, second);
    expect(row).toMatchObject({ paired: 4, lost: 0, gained: 0, flips: [] });
  });

  it("are compared on what both have, and say what only one has", () => {
    const more = runOf([cell({ outcomes: outcomes(5, 10) })], {
      samples: [{ task: "main", fingerprints: fingerprints(15, 8) }],
    });
    expect(rowsOf(old, more)[0]).toMatchObject({
      paired: 4,
      onlyOld: 8,
      onlyNew: 11,
    });
  });

  it("are paired in order where a document of before has no fingerprints", () => {
    const before = { ...old, samples: undefined };
    expect(rowsOf(before, now)[0]).toMatchObject({ paired: 12, lost: 2 });
    const { data } = before.provenance;
    const others = {
      ...before,
      provenance: {
        ...before.provenance,
        data: { ...data, fingerprint: "2" },
      },
    };
    expect(rowsOf(others, now)[0]).toMatchObject({
      change: "refused",
      reason: "the data differ, and no fingerprints pair its samples",
    });
  });

  it("turn round with their order", () => {
    const there = compareResults(old, now).rows;
    const back = compareResults(now, old).rows;
    for (const [i, row] of there.entries()) {
      expect(back[i]?.gained).toBe(row.lost);
      expect(back[i]?.pValue).toBe(row.pValue);
      expect(back[i]?.difference?.low).toBeCloseTo(-row.difference!.high, 12);
    }
  });
});

describe("what is not of the same thing is refused, cell by cell", () => {
  const made = cell({ outcomes: outcomes(50, 40, 10) });
  const old = runOf([made, cell({ attack: "fgsm", outcomes: made.outcomes })]);
  const withAttack = (params: object, title = "PGD") => ({
    ...old,
    attacks: old.attacks.map((one) =>
      one.id === "pgd" ? { ...one, title, params: { ...params } } : one,
    ),
  });

  it.each<[string, Results, string]>([
    [
      "another parameter",
      withAttack({ steps: 80 }),
      "the attack differs: steps 40, now 80",
    ],
    [
      "another attack",
      withAttack({ steps: 40 }, "FGSM"),
      "the attack differs: PGD, now FGSM",
    ],
    [
      "another budget",
      {
        ...old,
        cells: old.cells.map((one) =>
          one.attack === "pgd"
            ? { ...one, threatModel: { ...one.threatModel, eps: 0.2 } }
            : one,
        ),
      },
      "the threat model differs: eps 0.1, now 0.2",
    ],
  ])("%s", (_what, now, reason) => {
    expect(rowsOf(old, now)).toMatchObject([{ change: "refused", reason }]);
    expect(rowsOf(old, now, "fgsm")[0]?.change).toBe("undecided");
    expect(rowsOf(old, now, null)).toMatchObject([
      { change: "refused", reason: `pgd: ${reason}` },
    ]);
  });

  it("other samples and other classes", () => {
    const others = {
      ...old,
      samples: [{ task: "main", fingerprints: fingerprints(100, 1000) }],
    };
    const { rows } = compareResults(old, others);
    expect(new Set(rows.map(({ reason }) => reason))).toEqual(
      new Set(["the data differ: no sample was attacked in both runs"]),
    );
    const [row] = rowsOf(old, { ...old, classes: ["0", "2"] });
    expect(row?.reason).toBe("the classes differ");
  });

  it("a worst case over other attacks, and a cell that one run has not", () => {
    const fewer = runOf([made]);
    expect(rowsOf(old, fewer, null)[0]).toMatchObject({
      change: "refused",
      reason: "the attacks differ: without fgsm now",
    });
    expect(rowsOf(old, fewer, "fgsm")[0]).toMatchObject({ change: "gone" });
    expect(rowsOf(fewer, old, "fgsm")[0]).toMatchObject({ change: "added" });
  });
});

it("a number that one run does not trust is called neither better nor worse", () => {
  const good = runOf([cell({ outcomes: outcomes(90, 0, 10) })]);
  const bad = runOf([cell({ outcomes: outcomes(10, 80, 10), trusted: false })]);
  for (const [old, now, trust] of [
    [good, bad, "old"],
    [bad, good, "new"],
    [bad, bad, "neither"],
  ] as const)
    expect(rowsOf(old, now)[0]).toMatchObject({
      trust,
      change: "untrusted",
      pValue: null,
    });
  expect(
    rowsOf(good, runOf([cell({ outcomes: outcomes(10, 80, 10) })]))[0],
  ).toMatchObject({ trust: "both", change: "worse" });
});

it("findings of trials stand beside each other without a test", () => {
  const trial = (value: number): Results["trials"][number] => ({
    id: "full/none/backdoor",
    candidate: "full",
    repair: "none",
    trial: "backdoor",
    findings: [
      {
        id: "attack-success",
        title: "Attack success",
        at: null,
        unit: "share",
        value,
        low: 0,
        high: 1,
        n: 10,
        role: "headline",
        attacker: "up",
      },
    ],
    charts: [],
    pictures: [],
    notes: [],
    trusted: true,
    checks: [],
    reproduce: "",
    seconds: 1,
  });
  const made = [cell({ outcomes: "1100" })];
  const found = compareResults(
    runOf(made, { trials: [trial(0.1)] }),
    runOf(made, { trials: [trial(0.9)] }),
  );
  expect(found.findings).toMatchObject([
    { trial: "backdoor", old: { value: 0.1 }, new: { value: 0.9 } },
  ]);
});

it("a baseline compares as its run does, follows the schema, and is no partial run", () => {
  const old = runOf([cell({ outcomes: outcomes(50, 40, 10) })]);
  const now = runOf([cell({ outcomes: outcomes(30, 60, 10) })]);
  const baseline = baselineOf(old);
  expect(compareResults(baseline, now)).toEqual(compareResults(old, now));
  expect(() => baselineOf({ ...old, complete: false })).toThrow(
    expect.objectContaining({ code: "BASELINE" }),
  );
  expect(
    resultsSchema.shape.comparison.parse(compareResults(old, now)),
  ).toEqual(compareResults(old, now));
});

// docs/comparing.md says what was found at the full size (`npm run truths -- --only
// comparison`).
describe("simulated pairs of runs", () => {
  const shares = { clean: 0.9, robust: 0.5, churn: 0.02 };

  /** How often anything is called worse, and anything better, in 60 comparisons. */
  function called(drop: number, n: number) {
    const random = new Random(drop * 1000 + n);
    const found = { worse: 0, better: 0 };
    for (let k = 0; k < 60; k++) {
      const pairs = ["full", "head"].flatMap((candidate) =>
        ["pgd", "fgsm"].map((attack) => ({
          candidate,
          attack,
          outcomes: twoRuns(n, { ...shares, drop }, random),
        })),
      );
      const [old, now] = [0, 1].map((at) =>
        runOf(
          pairs.map((one) => cell({ ...one, outcomes: one.outcomes[at]! })),
        ),
      );
      const changes = compareResults(old!, now!).rows.map((r) => r.change);
      if (changes.includes("worse")) found.worse++;
      if (changes.includes("better")) found.better++;
    }
    return found;
  }

  it("call nothing worse or better where nothing changed, in all but 5 %", () => {
    const { worse, better } = called(0, 500);
    expect(worse + better).toBeLessThanOrEqual(3);
  });

  it("find a regression of 5 points in 1,000 samples", () => {
    const { worse, better } = called(0.05, 1000);
    expect(worse).toBeGreaterThanOrEqual(57);
    expect(better).toBe(0);
  });
});
