import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { summary } from "../../../src/audit/certify/smoothing.ts";
import { evaluateGate } from "../../../src/audit/gate/evaluate.ts";
import type { GateInput } from "../../../src/audit/gate/input.ts";
import { seedSummaries } from "../../../src/audit/judging/seeds.ts";
import { worstCases } from "../../../src/audit/judging/worst-case.ts";
import type { Cell } from "../../../src/audit/results/cells.ts";
import { parseDocument } from "../../../src/audit/suite/document/parse.ts";
import {
  checkGateNames,
  type GateConfig,
  gateSchema,
} from "../../../src/audit/suite/gate-rules.ts";
import { candidate, cell, outcomes } from "../cells.ts";

function input(
  cells: Cell[],
  candidates = [candidate("full", 900, 1000)],
): GateInput {
  const unit = { title: "", reference: "", params: {} };
  const distinct = <T>(values: T[]) => [...new Set(values)];
  return {
    planned: candidates,
    candidates,
    cells,
    seeds: [],
    certificates: [],
    trialAttacks: [],
    repairs: [],
    trials: [],
    defenses: distinct(cells.map(({ defense }) => defense)).map((id) => ({
      id,
      parts: [],
    })),
    worstCases: worstCases(
      cells,
      candidates.map(({ id }) => id),
      new Map(),
    ),
    threatModels: distinct(cells.map((one) => one.threatModel.id)).map(
      (id) => ({
        id,
        norm: "linf",
        eps: 0.1,
        steps: null,
        restarts: null,
        queries: null,
      }),
    ),
    attacks: distinct(cells.map(({ attack }) => attack)).map((id) => ({
      ...unit,
      id,
      access: "gradient",
      family: "iterative",
      taxonomy: { atlas: [], owasp: [], nist: [] },
    })),
  };
}

function verdicts(rules: GateConfig, results: GateInput): string[] {
  return evaluateGate(rules, results).rules.map(({ verdict }) => verdict);
}

const half = input([cell({ outcomes: outcomes(500, 400, 100) })]);

describe("a row", () => {
  it.each([
    [0.4, "passed"],
    [0.49, "inconclusive"],
    [0.51, "inconclusive"],
    [0.6, "failed"],
  ])("of robust accuracy 50 %% with min %d is %s", (min, verdict) => {
    expect(verdicts([{ robustAccuracy: { min } }], half)).toEqual([verdict]);
  });

  it.each([
    [0.5, "passed"],
    [0.45, "inconclusive"],
    [0.4, "failed"],
  ])("of attack success 44.4 %% with max %d is %s", (max, verdict) => {
    expect(verdicts([{ attackSuccess: { max } }], half)).toEqual([verdict]);
  });

  it("says what was measured, in percent, in one sentence", () => {
    const { rules } = evaluateGate([{ robustAccuracy: { min: 0.6 } }], half);
    expect(rules).toEqual([
      {
        rule: "robustAccuracy: min 0.6",
        about: [{ candidate: "full", defense: "none" }],
        subject: "full / none / linf-0.1",
        limit: "at least 60 %",
        measured: "50.0 %, 95 % interval 46.9 to 53.1 %, n = 1000",
        verdict: "failed",
        reason:
          "Robust accuracy is 50.0 % (46.9 to 53.1 %), all of it outside the limit of at least 60 %.",
      },
    ]);
  });

  it("is inconclusive where there was nothing to break", () => {
    const none = input([cell({ outcomes: "----" })]);
    expect(verdicts([{ attackSuccess: { max: 0.5 } }], none)).toEqual([
      "inconclusive",
    ]);
  });

  it("is inconclusive where a rule finds no number", () => {
    const asIs = input([
      cell({ defense: "blur", adaptive: false, outcomes: "1111" }),
    ]);
    const gate = evaluateGate([{ robustAccuracy: { min: 0.1 } }], asIs);
    expect(gate.verdict).toBe("inconclusive");
    expect(gate.rules[0]?.subject).toBe("nothing");
  });
});

describe("a number that is not trusted", () => {
  const failed = (id: string) => [
    { id, title: "", status: "failed" as const, message: "" },
  ];
  const weak = input([
    cell({
      outcomes: outcomes(500, 500),
      trusted: false,
      checks: failed("beats-noise"),
    }),
  ]);
  const cheated = input([
    cell({
      outcomes: outcomes(500, 500),
      trusted: false,
      checks: failed("budget-kept"),
    }),
  ]);

  it("never passes", () => {
    const rules = [{ robustAccuracy: { min: 0.4 } }];
    expect(verdicts(rules, weak)).toEqual(["inconclusive"]);
    expect(verdicts(rules, cheated)).toEqual(["inconclusive"]);
    expect(verdicts([{ attackSuccess: { max: 0.9 } }], weak)).toEqual([
      "inconclusive",
    ]);
  });

  it("still fails, since a better attack only breaks more", () => {
    const rules = [{ robustAccuracy: { min: 0.6 } }];
    expect(verdicts(rules, weak)).toEqual(["failed"]);
    expect(verdicts([{ attackSuccess: { max: 0.1 } }], weak)).toEqual([
      "failed",
    ]);
  });

  it("decides nothing when the attack cheated", () => {
    const rules = [{ robustAccuracy: { min: 0.6 } }];
    expect(verdicts(rules, cheated)).toEqual(["inconclusive"]);
  });
});

describe("selectors", () => {
  const both = [candidate("full", 900, 1000), candidate("head", 800, 1000)];
  const results = input(
    [
      cell({ outcomes: outcomes(500, 400, 100) }),
      cell({ attack: "fgsm", outcomes: outcomes(600, 300, 100) }),
      cell({ eps: 0.2, outcomes: outcomes(100, 800, 100) }),
      cell({ defense: "blur", outcomes: outcomes(300, 600, 100) }),
      cell({ defense: "blur", adaptive: false, outcomes: outcomes(900, 100) }),
      cell({ candidate: "head", outcomes: outcomes(200, 600, 200) }),
    ],
    both,
  );
  const subjects = (rules: GateConfig) =>
    evaluateGate(rules, results).rules.map(({ subject }) => subject);

  it("that are left out mean every one", () => {
    expect(subjects([{ robustAccuracy: { min: 0 } }])).toEqual([
      "full / none / linf-0.1",
      "full / none / linf-0.2",
      "full / blur / linf-0.1",
      "head / none / linf-0.1",
    ]);
    expect(subjects([{ cleanAccuracy: { min: 0 } }])).toEqual([
      "full / none",
      "full / blur",
      "head / none",
    ]);
    expect(subjects([{ attackSuccess: { max: 1 } }])).toHaveLength(5);
    expect(subjects([{ cleanAccuracyDrop: { max: 1 } }])).toEqual([
      "head against full",
    ]);
  });

  it("narrow the subjects", () => {
    expect(
      subjects([
        {
          attackSuccess: {
            max: 1,
            attack: "pgd",
            candidate: "full",
            defense: "none",
            threatModel: "linf-0.2",
          },
        },
        { robustAccuracy: { min: 0, defense: "blur" } },
        { cleanAccuracyDrop: { max: 1, than: "head" } },
      ]),
    ).toEqual([
      "full / none / pgd / linf-0.2",
      "full / blur / linf-0.1",
      "full against head",
    ]);
  });

  it.each<[GateConfig[number], string]>([
    [
      { robustAccuracy: { min: 0, threatModel: "linf-0.3" } },
      'gate[0].robustAccuracy.threatModel: found "linf-0.3", expected one of linf-0.1, linf-0.2; did you mean "linf-0.1"?',
    ],
    [
      { attackSuccess: { max: 0, attack: "pdg" } },
      'gate[0].attackSuccess.attack: found "pdg", expected one of pgd, fgsm; did you mean "pgd"?',
    ],
    [
      { cleanAccuracyDrop: { max: 0, than: "haed" } },
      'gate[0].cleanAccuracyDrop.than: found "haed", expected one of full, head; did you mean "head"?',
    ],
    [
      { cleanAccuracyDrop: { max: 0, candidate: "full" } },
      'gate[0].cleanAccuracyDrop: found "full" compared with itself, expected two different candidates',
    ],
  ])("that name nothing are refused: %j", (rule, message) => {
    expect(() => evaluateGate([rule], results)).toThrow(message);
  });

  it("are checked before a run, where the undefended model needs no name", () => {
    const names = {
      candidates: ["full"],
      defenses: [],
      attacks: ["pgd"],
      threatModels: ["linf"],
      trials: [],
      repairs: [],
    };
    checkGateNames([{ robustAccuracy: { min: 0, defense: "none" } }], names);
    expect(() =>
      checkGateNames([{ cleanAccuracyDrop: { max: 0 } }], names),
    ).toThrow("found one candidate to compare");
  });
});

describe("a trial", () => {
  const finding = {
    id: "attack-success",
    title: "Attack success",
    at: null,
    unit: "share",
    value: 0.1,
    low: 0.05,
    high: 0.18,
    n: 100,
    role: "headline",
    attacker: "up",
  } as const;
  const trial = {
    id: "full/none/badnets",
    candidate: "full",
    repair: "none",
    trial: "badnets",
    findings: [finding],
    charts: [],
    pictures: [],
    notes: [],
    trusted: true,
    checks: [],
    reproduce: "",
    seconds: 0,
  };
  const unit = { title: "", reference: "", params: {}, kind: "", threat: "" };
  const tried = (changes: Partial<typeof trial> = {}): GateInput => ({
    ...half,
    trialAttacks: [
      {
        ...unit,
        id: "badnets",
        taxonomy: { atlas: [], owasp: [], nist: [] },
      },
    ],
    repairs: [{ id: "none", parts: [] }],
    trials: [{ ...trial, ...changes }],
  });

  it("passes, fails or decides nothing by its interval", () => {
    const at = (max: number) =>
      verdicts([{ trial: { max, trial: "badnets" } }], tried());
    expect(at(0.2)).toEqual(["passed"]);
    expect(at(0.1)).toEqual(["inconclusive"]);
    expect(at(0.02)).toEqual(["failed"]);
  });

  it("decides nothing when its control did not behave or nothing was measured", () => {
    const rule = [{ trial: { max: 0.2 } }];
    expect(verdicts(rule, tried({ trusted: false }))).toEqual(["inconclusive"]);
    const empty = { ...finding, value: null, low: null, high: null } as never;
    expect(verdicts(rule, tried({ findings: [empty] }))).toEqual([
      "inconclusive",
    ]);
  });

  it("may be a plain number", () => {
    const steps = {
      ...finding,
      id: "cost",
      unit: "number",
      value: 40,
      low: null,
      high: null,
    } as never;
    const [row] = evaluateGate(
      [{ trial: { min: 100, finding: "cost" } }],
      tried({ findings: [steps] }),
    ).rules;
    expect(row).toMatchObject({
      verdict: "failed",
      limit: "at least 100",
      measured: "40, without an interval, n = 100",
      reason:
        "Attack success is 40 (without an interval), outside the limit of at least 100.",
    });
  });
});

describe("the drop in clean accuracy", () => {
  const both = [candidate("full", 900, 1000), candidate("head", 890, 1000)];
  const rules = [{ cleanAccuracyDrop: { max: 0.03 } }];
  const measured = (results: GateInput) =>
    evaluateGate(rules, results).rules[0];

  it("is paired when the cells show all samples, which decides sooner", () => {
    const cells = [
      cell({ outcomes: outcomes(900, 0, 100) }),
      cell({ candidate: "head", outcomes: outcomes(890, 0, 110) }),
    ];
    const row = measured(input(cells, both));
    expect(row?.measured).toMatch(/^1\.0 points, .*paired score.*n = 1000$/);
    expect(row?.verdict).toBe("passed");
  });

  it("is unpaired otherwise", () => {
    const cells = [cell({ outcomes: outcomes(90, 0, 10) })];
    const row = measured(input(cells, both));
    expect(row?.measured).toMatch(/two proportions, n = 1000$/);
    expect(row?.limit).toBe("at most 3 points");
    expect(row?.verdict).toBe("inconclusive");
  });
});

describe("certified accuracy", () => {
  const smoothing = { sigma: 0.25, n0: 100, n: 1000, alpha: 0.001 };
  const certified = (sigma: number, certain: number, of: number) => {
    const known = Array.from({ length: of }, (_, i) => ({
      label: 0,
      radius: i < certain ? 2 * sigma : sigma / 10,
    }));
    const labels = known.map(() => 0);
    const stated = { ...smoothing, sigma };
    return {
      candidate: "full",
      ...stated,
      ...summary(known, labels, stated),
      seconds: 0,
    };
  };
  const results = {
    ...input([cell({ outcomes: outcomes(5, 5) })]),
    certificates: [certified(0.25, 800, 1000), certified(0.5, 300, 1000)],
  };
  const rows = (limits: Record<string, unknown>, given = results) =>
    evaluateGate(
      gateSchema.parse([{ certifiedAccuracy: { min: 0.7, ...limits } }]),
      given,
    ).rules;

  it("is held against the share of samples that are certified to the radius", () => {
    expect(rows({ radius: "1/2" })).toMatchObject([
      { subject: "full / smoothed by 0.25", verdict: "passed" },
      { subject: "full / smoothed by 0.5", verdict: "failed" },
    ]);
    const [alone] = rows({ radius: 0.5, sigma: 0.25 });
    expect(alone?.reason).toBe(
      "Certified accuracy at a radius of 0.5 is 80.0 % (77.4 to 82.4 %), all of it within the limit of at least 70 %.",
    );
    expect(rows({ radius: 0.5, min: 0.8, sigma: 0.25 })).toMatchObject([
      { verdict: "inconclusive" },
    ]);
    expect(rows({ radius: 0.02 }).map((r) => r.verdict)).toEqual([
      "passed",
      "passed",
    ]);
  });

  it("is inconclusive where there is none, of too few samples, and beyond what so many draws can prove", () => {
    const few = { ...results, certificates: [certified(0.25, 8, 10)] };
    expect(rows({ radius: 0.5 }, few)).toMatchObject([
      { verdict: "inconclusive" },
    ]);
    const none = { ...results, certificates: [] };
    expect(rows({ radius: 0.5 }, none)).toMatchObject([
      { subject: "nothing", verdict: "inconclusive" },
    ]);
    const [beyond] = rows({ radius: 1, sigma: 0.25 });
    expect(beyond?.verdict).toBe("inconclusive");
    expect(beyond?.reason).toMatch(/draws prove no such radius/);
  });
});

describe("a name that stands for several candidates", () => {
  const member = (of: string, task: string) => ({
    ...candidate(`${of}.${task}`, 900, 1000),
    member: {
      of,
      task,
      tasks: ["main", "parity"],
      weighting: null,
      classes: [],
      broken: "",
      chance: 0.5,
    },
  });
  const models = [
    candidate("full", 900, 1000),
    member("multi", "main"),
    member("multi", "parity"),
    member("other", "parity"),
  ];
  const results = input(
    models.map(({ id }) =>
      cell({ candidate: id, outcomes: outcomes(500, 500) }),
    ),
    models,
  );
  const subjects = (rule: GateConfig[number]) =>
    evaluateGate([rule], results).rules.map(({ subject }) => subject);

  it("means each of its tasks", () => {
    expect(
      subjects({ robustAccuracy: { min: 0, candidate: "multi" } }),
    ).toEqual([
      "multi.main / none / linf-0.1",
      "multi.parity / none / linf-0.1",
    ]);
    expect(
      subjects({ cleanAccuracyDrop: { max: 1, candidate: "multi" } }),
    ).toEqual(["multi.main against full", "nothing"]);
  });

  it("is compared task by task", () => {
    const drop = { max: 1, than: "multi" };
    expect(
      subjects({ cleanAccuracyDrop: { ...drop, candidate: "full" } }),
    ).toEqual(["full against multi.main"]);
    expect(
      subjects({ cleanAccuracyDrop: { ...drop, candidate: "other" } }),
    ).toEqual(["other.parity against multi.parity"]);
    expect(subjects({ cleanAccuracyDrop: drop })).toEqual([
      "full against multi.main",
      "other.parity against multi.parity",
    ]);
  });

  it("that has nothing of the same task to be compared with decides nothing", () => {
    const drop = { max: 1, candidate: "full", than: "other" };
    expect(subjects({ cleanAccuracyDrop: drop })).toEqual(["nothing"]);
  });

  it("is refused where it is misspelled", () => {
    expect(() =>
      subjects({ robustAccuracy: { min: 0, candidate: "mutli" } }),
    ).toThrow('did you mean "multi"?');
  });
});

describe("a candidate of several seeds", () => {
  const models = [1, 2, 3].map((index) => ({
    ...candidate(`full.${index}`, 900, 1000),
    replica: { of: "full", index },
  }));
  const of = (
    rows: readonly string[],
    { trusted }: { trusted: boolean } = { trusted: true },
  ): GateInput => {
    const cells = rows.map((row, i) =>
      cell({ candidate: `full.${i + 1}`, outcomes: row, trusted }),
    );
    const found = input(cells, models);
    return { ...found, seeds: seedSummaries(cells, models as never) };
  };
  const rule = (min: number, candidate = "full"): GateConfig[number] => ({
    robustAccuracy: { min, candidate },
  });
  const all = outcomes(60, 0);

  it("is judged seed by seed and as the mean, by an interval that has a width", () => {
    const gate = evaluateGate([rule(0.9)], of([all, all, all]));
    expect(gate.rules.map(({ subject }) => subject)).toEqual([
      "full.1 / none / linf-0.1",
      "full.2 / none / linf-0.1",
      "full.3 / none / linf-0.1",
      "full / none / linf-0.1",
    ]);
    const mean = gate.rules.at(-1);
    expect(mean?.measured).toMatch(
      /^100\.0 %, 95 % interval 9\d\.\d to 100\.0 %, 3 seeds$/,
    );
    expect(mean?.verdict).toBe("passed");
    // 60 samples that all stand do not show that 99 % do, however many seeds there are.
    expect(verdicts([rule(0.99)], of([all, all, all]))).toEqual(
      Array.from({ length: 4 }, () => "inconclusive"),
    );
    expect(verdicts([rule(0.9, "full.2")], of([all, all, all]))).toEqual([
      "passed",
    ]);
  });

  it("has a mean that decides less where seeds lie apart, or one is not trusted", () => {
    const [low, high] = [outcomes(60, 20, 0), outcomes(75, 5, 0)];
    const mean = (found: GateInput) =>
      verdicts([rule(0.62)], found)
        .slice(-1)
        .join();
    expect(mean(of([high, high, high]))).toBe("passed");
    expect(mean(of([low, high, high]))).toBe("inconclusive");
    expect(mean(of([high, high, high], { trusted: false }))).toBe(
      "inconclusive",
    );
  });

  it("has a mean that decides nothing while a seed has no result, and says so", () => {
    const found = of([all, all]);
    const missing = [
      {
        ...{ what: "cell" as const, id: "full.3/none/pgd@linf-0.1" },
        ...{ candidate: "full.3", defense: "none", attack: "pgd" },
        ...{ threatModel: "linf-0.1", adaptive: true, because: "look full.3" },
      },
    ];
    const seeds = seedSummaries(
      found.cells,
      models.slice(0, 2) as never,
      [],
      models,
      missing,
    );
    const gate = evaluateGate([rule(0.9)], {
      ...found,
      planned: models,
      candidates: found.candidates.slice(0, 2),
      seeds,
      missing,
    });
    const mean = gate.rules.find(({ subject }) => /^full \//.test(subject));
    expect(mean?.measured).toMatch(/, 2 of 3 seeds$/);
    expect(mean?.verdict).toBe("inconclusive");
    expect(mean?.reason).toContain("full.3/none/pgd@linf-0.1 has no result");
  });

  it("has a mean of clean accuracy, also where the rule names no candidate", () => {
    const { rules } = evaluateGate(
      [{ cleanAccuracy: { min: 0.5 } }],
      of([all, all, all]),
    );
    expect(rules.map(({ subject }) => subject)).toContain("full / none");
  });
});

describe("the whole verdict", () => {
  const pass = { robustAccuracy: { min: 0.4 } };
  const open = { robustAccuracy: { min: 0.5 } };
  const fail = { robustAccuracy: { min: 0.6 } };

  it("is the worst of its rows", () => {
    expect(evaluateGate([], half)).toEqual({ verdict: "none", rules: [] });
    expect(evaluateGate([pass], half).verdict).toBe("passed");
    expect(evaluateGate([pass, open], half).verdict).toBe("inconclusive");
    expect(evaluateGate([open, fail, pass], half).verdict).toBe("failed");
  });

  it("never gets better with a stricter limit", () => {
    const order = ["passed", "inconclusive", "failed"];
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, (a, b) => {
        const [lower, upper] = [Math.min(a, b), Math.max(a, b)].map((min) =>
          order.indexOf(
            evaluateGate([{ robustAccuracy: { min } }], half).verdict,
          ),
        );
        expect(lower).toBeLessThanOrEqual(upper ?? -1);
      }),
    );
  });
});

describe("the suite form", () => {
  const parse = (text: string) => parseDocument(text, "s.yaml", gateSchema);

  it("takes a list of rules, with shares or fractions", () => {
    expect(parse("- robustAccuracy: {min: 1/4, threatModel: linf}\n")).toEqual([
      { robustAccuracy: { min: 0.25, threatModel: "linf" } },
    ]);
  });

  it("has a JSON schema for editors", () => {
    const { items } = z.toJSONSchema(gateSchema, { io: "input" });
    expect(items).toMatchObject({
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 1,
      properties: {
        robustAccuracy: {
          required: ["min"],
          properties: {
            min: { anyOf: [{ type: "number" }, { type: "string" }] },
          },
        },
      },
    });
  });

  it.each([
    [
      "- robustAcuracy: {min: 0.5}",
      's.yaml:1:3: [0].robustAcuracy: found an unknown key, expected one of robustAccuracy, cleanAccuracy, cleanAccuracyDrop, attackSuccess, certifiedAccuracy, regression, trial; did you mean "robustAccuracy"?',
    ],
    [
      "- robustAccuracy: {min: 50}",
      "s.yaml:1:25: [0].robustAccuracy.min: found 50, expected at most 1",
    ],
    [
      "- robustAccuracy: {max: 0.5}",
      's.yaml:1:20: [0].robustAccuracy.max: found an unknown key, expected one of min, threatModel, candidate, defense, decide; did you mean "min"?',
    ],
    [
      "- robustAccuracy: {min: 0.5}\n  cleanAccuracy: {min: 0.5}",
      "s.yaml:1:3: [0]: found none or several metrics, expected exactly one of robustAccuracy, cleanAccuracy, cleanAccuracyDrop, attackSuccess, certifiedAccuracy, regression, trial in each rule",
    ],
  ])("%j", (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

describe("a candidate whose answers are one for everything", () => {
  const guessing = input(
    [cell({ outcomes: outcomes(500, 0, 100) })],
    [{ ...candidate("full", 900, 1000), guesses: true }],
  );

  it("passes no rule about any of its numbers, and may fail", () => {
    const rules: GateConfig = [
      { robustAccuracy: { min: 0.5 } },
      { cleanAccuracy: { min: 0.5 } },
      { attackSuccess: { max: 0.1 } },
      { cleanAccuracy: { min: 0.95 } },
    ];
    expect(verdicts(rules, guessing)).toEqual([
      "inconclusive",
      "inconclusive",
      "inconclusive",
      "failed",
    ]);
    expect(evaluateGate(rules, guessing).rules[1]?.reason).toContain(
      "one answer for everything",
    );
  });

  it("behind a defence as well, where its cells say so", () => {
    const behind = input([
      cell({
        defense: "blur",
        outcomes: outcomes(500, 0, 100),
        checks: [
          {
            id: "better-than-guessing",
            title: "",
            status: "failed",
            message: "",
          },
        ],
      }),
    ]);
    const rule = [{ cleanAccuracy: { min: 0.5 } }];
    expect(verdicts(rule, behind)).toEqual(["passed", "inconclusive"]);
  });
});
