import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseDocument } from "../../src/audit/document.ts";
import {
  checkGateNames,
  evaluateGate,
  type GateConfig,
  type GateInput,
  gateSchema,
} from "../../src/audit/gate.ts";
import type { Cell } from "../../src/audit/results.ts";
import { worstCases } from "../../src/audit/worst-case.ts";
import { candidate, cell, outcomes } from "./cells.ts";

function input(
  cells: Cell[],
  candidates = [candidate("full", 900, 1000)],
): GateInput {
  const unit = { title: "", reference: "", params: {} };
  const distinct = <T>(values: T[]) => [...new Set(values)];
  return {
    candidates,
    cells,
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
        subject: "full / none / linf-0.1",
        limit: "at least 60 %",
        measured: "50 %, 95 % interval 46.9 to 53.1 %, n = 1000",
        verdict: "failed",
        reason:
          "Robust accuracy is 50 % (46.9 to 53.1 %), all of it outside the limit of at least 60 %.",
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
    };
    checkGateNames([{ robustAccuracy: { min: 0, defense: "none" } }], names);
    expect(() =>
      checkGateNames([{ cleanAccuracyDrop: { max: 0 } }], names),
    ).toThrow("found one candidate to compare");
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
    expect(row?.measured).toMatch(/^1 points, .*paired score.*n = 1000$/);
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
      's.yaml:1:3: [0].robustAcuracy: found an unknown key, expected one of robustAccuracy, cleanAccuracy, cleanAccuracyDrop, attackSuccess; did you mean "robustAccuracy"?',
    ],
    [
      "- robustAccuracy: {min: 50}",
      "s.yaml:1:25: [0].robustAccuracy.min: found 50, expected at most 1",
    ],
    [
      "- robustAccuracy: {max: 0.5}",
      's.yaml:1:20: [0].robustAccuracy.max: found an unknown key, expected one of min, threatModel, candidate, defense; did you mean "min"?',
    ],
    [
      "- robustAccuracy: {min: 0.5}\n  cleanAccuracy: {min: 0.5}",
      "s.yaml:1:3: [0]: found none or several metrics, expected exactly one of robustAccuracy, cleanAccuracy, cleanAccuracyDrop, attackSuccess in each rule",
    ],
  ])("%j", (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});
