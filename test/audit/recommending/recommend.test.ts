import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "#core";
import type { Recommendation } from "#results";
import { worstCases } from "../../../src/audit/judging/worst-case.ts";
import { recommend } from "../../../src/audit/recommending/index.ts";
import type { GateRule } from "../../../src/audit/results/index.ts";
import { candidate, cell, outcomes } from "../cells.ts";

type Judged = Parameters<typeof recommend>[0];

/** A model behind a defence: what became of its samples, attack by attack. */
interface Entry {
  readonly candidate: string;
  readonly defense?: string;
  readonly pgd: string;
  readonly noise?: string;
  readonly trusted?: boolean;
  readonly verdict?: GateRule["verdict"];
}

const rule = (
  verdict: GateRule["verdict"],
  about: NonNullable<GateRule["about"]>,
  metric = "robustAccuracy",
): GateRule => ({
  ...{
    rule: `${metric}: min 0.4`,
    subject: "",
    limit: "",
    measured: "",
    reason: "",
  },
  verdict,
  about,
});

function judged(entries: readonly Entry[]): Judged {
  const ids = [...new Set(entries.map((e) => e.candidate))];
  const defenses = [...new Set(["none", ...entries.map(behind)])];
  const cells = entries.flatMap((e) =>
    (["pgd", "noise"] as const).map((attack) =>
      cell({
        candidate: e.candidate,
        defense: behind(e),
        attack,
        outcomes: attack === "pgd" ? e.pgd : (e.noise ?? e.pgd),
        trusted: e.trusted ?? true,
      }),
    ),
  );
  const families = new Map([
    ["pgd", "iterative"],
    ["noise", "control"],
  ] as const);
  return {
    complete: true,
    candidates: ids.map((id) => candidate(id, 90, 100)),
    defenses: defenses.map((id) => ({ id, parts: [] })),
    cells,
    worstCases: worstCases(cells, ids, families),
    threatModels: [{ id: "linf-0.1", norm: "linf", eps: 0.1 }].map((t) => ({
      ...{ steps: null, restarts: null, queries: null },
      ...t,
      norm: "linf" as const,
    })),
    gate: {
      verdict: "none",
      rules: entries.flatMap((e) =>
        e.verdict
          ? rule(e.verdict, [{ candidate: e.candidate, defense: behind(e) }])
          : [],
      ),
    },
  };
}

const behind = ({ defense = "none" }: Entry) => defense;

const only = (run: Judged): Recommendation => {
  const all = recommend(run) ?? [];
  expect(all).toHaveLength(1);
  return all[0]!;
};

const strong = outcomes(160, 30, 10);
const weak = outcomes(60, 130, 10);

describe("the rules, one by one", () => {
  test("one that is better under attack and as good without is recommended, with its numbers", () => {
    const { kind, take, sentences, tests, samples } = only(
      judged([
        { candidate: "full", pgd: weak },
        { candidate: "robust", pgd: strong, verdict: "passed" },
      ]),
    );
    expect(kind).toBe("better");
    expect(take).toEqual({ candidate: "robust", defense: "none" });
    expect(sentences).toEqual([
      "robust is shown to be better than full, and passes every rule of the gate that is about it.",
      "Its robust accuracy is 80.0 % (73.8 to 85.3 %) at linf-0.1; full is shown to be worse in robust accuracy, and is not shown to be better in clean accuracy.",
    ]);
    expect([tests, samples]).toEqual([2, 200]);
  });

  test("one that is better under attack and worse clean is a choice", () => {
    const { kind, take, sentences } = only(
      judged([
        { candidate: "full", pgd: outcomes(60, 140) },
        { candidate: "robust", pgd: outcomes(140, 20, 40) },
      ]),
    );
    expect([kind, take]).toEqual(["undecided", null]);
    expect(sentences[1]).toBe(
      "It is a choice: full is better in clean accuracy, robust in robust accuracy.",
    );
  });

  test("too few samples tell nothing, and the sentence says so", () => {
    const { kind, front, sentences } = only(
      judged([
        { candidate: "a", pgd: outcomes(5, 5) },
        { candidate: "b", pgd: outcomes(7, 3) },
      ]),
    );
    expect(kind).toBe("undecided");
    expect(front).toHaveLength(2);
    expect(sentences[1]).toBe(
      "a and b cannot be told apart on 10 samples; more samples may tell.",
    );
  });

  test("a defence that is not shown to gain anything is set aside", () => {
    const { take, leftOut } = only(
      judged([
        { candidate: "full", pgd: weak },
        { candidate: "robust", pgd: strong },
        { candidate: "robust", defense: "median", pgd: outcomes(163, 27, 10) },
      ]),
    );
    expect(take).toEqual({ candidate: "robust", defense: "none" });
    expect(leftOut).toEqual([
      { candidate: "robust", defense: "median", because: ["no gain"] },
    ]);
  });

  test("one that is left alone needs a rule of the gate", () => {
    const alone = (verdict?: "passed") =>
      only(
        judged([
          { candidate: "full", pgd: strong, trusted: false },
          { candidate: "robust", pgd: weak, verdict },
        ]),
      );
    expect(alone().kind).toBe("none");
    expect(alone().sentences[1]).toContain("the suite states no gate");
    expect(alone("passed").kind).toBe("only");
    const run = judged([{ candidate: "robust", pgd: weak }]);
    const about = [{ candidate: "robust", defense: "none" }];
    const rules = [rule("passed", about, "cleanAccuracy")];
    expect(only({ ...run, gate: { verdict: "passed", rules } }).kind).toBe(
      "none",
    );
    expect(alone("passed").sentences).toEqual([
      "robust is the only candidate that can be recommended.",
      "It passes every rule of the gate that is about it, and its numbers are trusted; of the others 1 has a number that is not trusted.",
    ]);
  });

  test("a rule about a candidate behind any defence, a missing attack and a missing candidate count", () => {
    const run = judged([
      { candidate: "full", pgd: weak },
      { candidate: "robust", pgd: strong },
      { candidate: "other", pgd: strong },
    ]);
    const { take, leftOut } = only({
      ...run,
      gate: {
        verdict: "failed",
        rules: [rule("failed", [{ candidate: "other", defense: null }])],
      },
      missing: [
        ...(["full"] as const).map((id) => ({
          ...{ what: "cell" as const, id, candidate: id, defense: "none" },
          because: null,
        })),
        {
          ...{ what: "candidate" as const, id: "lost", candidate: "lost" },
          because: null,
        },
      ],
    });
    expect(take).toBeNull();
    expect(leftOut.map((one) => [one.candidate, ...one.because])).toEqual([
      ["full", "missing"],
      ["other", "gate failed"],
      ["lost", "missing"],
    ]);
  });

  test("a partial run recommends nothing, nor one without an attack", () => {
    const run = judged([{ candidate: "full", pgd: weak }]);
    expect(recommend({ ...run, complete: false })).toBeUndefined();
    const { kind, sentences } = only({ ...run, cells: [], worstCases: [] });
    expect([kind, sentences[1]]).toEqual([
      "none",
      "No input was attacked, so nothing is known of their robustness to changed inputs.",
    ]);
  });
});

const SAMPLES = 60;

/** Runs of two to five models, some of them behind a defence, of any quality. */
const runs = fc
  .uniqueArray(
    fc.record({
      candidate: fc.constantFrom("a", "b", "c"),
      defense: fc.constantFrom("none", "median"),
      robust: fc.integer({ min: 0, max: SAMPLES }),
      wrong: fc.integer({ min: 0, max: SAMPLES / 2 }),
      trusted: fc.boolean(),
      verdict: fc.constantFrom(undefined, "passed", "failed", "inconclusive"),
    }),
    {
      selector: (e) => JSON.stringify([e.candidate, e.defense]),
      minLength: 2,
      maxLength: 5,
    },
  )
  .map((all) =>
    all.map(
      ({ robust, wrong, ...entry }): Entry => ({
        ...entry,
        pgd: outcomes(
          Math.min(robust, SAMPLES - wrong),
          Math.max(0, SAMPLES - wrong - robust),
          wrong,
        ),
      }),
    ),
  );

const placed = (all: readonly { candidate: string; defense: string }[]) =>
  all.map(({ candidate, defense }) => `${candidate}/${defense}`).sort();

describe("whatever was found", () => {
  test("nothing is recommended whose gate did not pass or whose number is not trusted", () => {
    fc.assert(
      fc.property(runs, (entries) => {
        const { take, kind, front } = only(judged(entries));
        const bad = placed(
          entries.flatMap((e) =>
            e.trusted === false ||
            e.verdict === "failed" ||
            e.verdict === "inconclusive"
              ? { candidate: e.candidate, defense: behind(e) }
              : [],
          ),
        );
        for (const one of placed([...front, ...(take ? [take] : [])]))
          expect(bad).not.toContain(one);
        expect(take !== null).toBe(kind === "better" || kind === "only");
      }),
    );
  });

  test("the order of candidates and defences changes no decision", () => {
    fc.assert(
      fc.property(
        runs.chain((entries) =>
          fc.tuple(
            fc.constant(entries),
            fc.shuffledSubarray(entries, { minLength: entries.length }),
          ),
        ),
        ([entries, others]) => {
          const [one, other] = [only(judged(entries)), only(judged(others))];
          expect(other.take).toEqual(one.take);
          expect(other.kind).toBe(one.kind);
          expect(placed(other.front)).toEqual(placed(one.front));
          expect(other.tests).toBe(one.tests);
        },
      ),
    );
  });

  test("what is recommended is higher than each other in a number", () => {
    fc.assert(
      fc.property(runs, (entries) => {
        const run = judged(entries);
        const { take, kind, leftOut } = only(run);
        if (kind !== "better") return;
        const out = placed(leftOut);
        const numbers = run.worstCases.map((w) => ({
          name: `${w.candidate}/${w.defense}`,
          robust: w.robustAccuracy.value,
          clean: run.cells.find(
            (c) => c.candidate === w.candidate && c.defense === w.defense,
          )!.cleanAccuracy.value,
        }));
        const best = numbers.find((n) => n.name === placed([take!])[0])!;
        for (const other of numbers)
          if (other !== best && !out.includes(other.name))
            expect(best.robust > other.robust || best.clean > other.clean).toBe(
              true,
            );
      }),
    );
  });
});

test("of three equals one is called better in at most 5 % of audits, and a clear winner is found", () => {
  const rng = new Random("equals");
  const draw = (robust: number) =>
    Array.from({ length: 100 }, () =>
      rng.uniform() < 0.1 ? "-" : rng.uniform() < robust ? "1" : "0",
    ).join("");
  const found = (best: number) =>
    Array.from({ length: 150 }, () =>
      only(
        judged(
          ["a", "b", "c"].map((id, i) => ({
            candidate: id,
            pgd: draw(i === 0 ? best : 0.5),
          })),
        ),
      ),
    );
  const share = (of: Recommendation[], is: (one: Recommendation) => boolean) =>
    of.filter(is).length / of.length;
  // Anything that is called better is beaten by none, and something else is.
  expect(share(found(0.5), ({ front }) => front.length < 3)).toBeLessThan(0.05);
  expect(share(found(0.9), ({ kind }) => kind === "better")).toBeGreaterThan(
    0.9,
  );
});
