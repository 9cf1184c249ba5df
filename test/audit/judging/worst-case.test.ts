import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Family } from "#attacks";
import { curves } from "../../../src/audit/judging/curves.ts";
import { worstCases } from "../../../src/audit/judging/worst-case.ts";
import type { CrossTask } from "../../../src/audit/results/cross-task.ts";
import type { Check } from "../../../src/audit/results/values.ts";
import { mcnemar, rate } from "../../../src/audit/statistics/index.ts";
import { cell } from "../cells.ts";

const families = new Map<string, Family>([
  ["fgsm", "single-step"],
  ["pgd", "iterative"],
  ["apgd", "iterative"],
  ["square", "query"],
  ["noise", "control"],
  ["base-pgd", "transfer"],
]);

describe("the worst case", () => {
  it("counts a sample as robust only if every attack left it so", () => {
    const [worst] = worstCases(
      [
        cell({ attack: "pgd", outcomes: "110-1" }),
        cell({ attack: "square", outcomes: "101-1" }),
      ],
      ["full"],
      families,
    );
    expect(worst).toMatchObject({
      candidate: "full",
      defense: "none",
      threatModel: "linf-0.1",
      attacks: ["pgd", "square"],
      robustAccuracy: { value: 2 / 5, n: 5 },
      trusted: true,
      comparison: null,
    });
  });

  it("leaves out attacks that did not know the defence", () => {
    const cells = [
      cell({ defense: "blur", adaptive: false, outcomes: "000" }),
      cell({ defense: "blur", attack: "fgsm", outcomes: "011" }),
      cell({ adaptive: false, outcomes: "001" }),
    ];
    const found = worstCases(cells, ["full"], families);
    expect(found.map((one) => [one.defense, one.robustAccuracy.value])).toEqual(
      [
        ["blur", 2 / 3],
        ["none", 1 / 3],
      ],
    );
    expect(found[0]?.attacks).toEqual(["fgsm"]);
  });

  it("says that a defence is not evaluated which no attack was made against", () => {
    const behind = (attack: string, adaptive = true) =>
      worstCases(
        [
          cell({ defense: "blur", attack: "noise", outcomes: "11" }),
          cell({ defense: "blur", attack, adaptive, outcomes: "11" }),
        ],
        ["full"],
        families,
      )[0]?.evaluated;
    expect(behind("pgd")).toBe(true);
    expect(behind("square")).toBe(true);
    expect(behind("base-pgd")).toBe(false);
    expect(behind("pgd", false)).toBe(false);
    const undefended = worstCases(
      [cell({ outcomes: "1" })],
      ["full"],
      families,
    );
    expect(undefended[0]?.evaluated).toBe(true);
  });

  it("is trusted if every cell is, or a search with gradients that broke as much as any other", () => {
    const trusted = (...others: Parameters<typeof cell>[0][]) =>
      worstCases(
        [cell({ trusted: false, outcomes: "1100" }), ...others.map(cell)],
        ["full"],
        families,
      )[0]?.trusted;
    expect(trusted()).toBe(false);
    expect(trusted({ attack: "apgd", outcomes: "0011" })).toBe(true);
    expect(trusted({ attack: "apgd", outcomes: "1000" })).toBe(true);
    expect(trusted({ attack: "apgd", outcomes: "1110" })).toBe(false);
    expect(trusted({ attack: "fgsm", outcomes: "0000" })).toBe(false);
    expect(trusted({ attack: "square", outcomes: "0000" })).toBe(false);
    const strong = { attack: "apgd", outcomes: "0000" };
    const cheat = { attack: "fgsm", outcomes: "1111", trusted: false };
    expect(trusted(strong, cheat)).toBe(true);
    const left: Check = {
      id: "budget-kept",
      title: "",
      status: "failed",
      message: "",
    };
    expect(trusted(strong, { ...cheat, checks: [left] })).toBe(false);
  });

  it("is trusted of a model without a gradient where a search by queries is", () => {
    const noGradient = "no gradient rule for trees";
    const trusted = (...others: Parameters<typeof cell>[0][]) =>
      worstCases(
        [
          cell({ trusted: false, outcomes: "1111", noGradient }),
          ...others.map((one) => cell({ ...one, noGradient })),
        ],
        ["full"],
        families,
      )[0]?.trusted;
    expect(trusted()).toBe(false);
    expect(trusted({ attack: "square", outcomes: "0011" })).toBe(true);
    expect(
      trusted({ attack: "square", outcomes: "0011", trusted: false }),
    ).toBe(false);
    expect(trusted({ attack: "noise", outcomes: "0011" })).toBe(false);
  });

  it("counts what came through other heads, and is trusted as they are", () => {
    const failed = (id: string): Check[] => [
      { id, title: "", status: "failed", message: "" },
    ];
    const worst = (
      row: Pick<CrossTask, "through" | "outcomes" | "checks">,
      attack = "pgd",
    ) =>
      worstCases(
        [
          cell({ attack, outcomes: "1110" }),
          cell({
            candidate: "other",
            outcomes: "1111",
            checks: failed("budget-kept"),
          }),
        ],
        ["full"],
        families,
        undefined,
        [
          {
            of: "heads",
            replica: null,
            candidate: "full",
            defense: "none",
            attack: "pgd",
            threatModel: "linf-0.1",
            cleanAccuracy: rate(4, 4),
            robustAccuracy: rate(2, 4),
            drop: { value: 0.5, low: 0, high: 1 },
            trusted: false,
            ...row,
          },
        ],
      )[0];
    const short = { through: "heads", checks: failed("converged-in-steps") };
    const kept = worst({ ...short, outcomes: "0.11" });
    expect(kept?.robustAccuracy.value).toBe(2 / 4);
    // A trusted search through the head itself broke as much of these samples.
    expect(kept?.trusted).toBe(true);
    expect(worst({ ...short, outcomes: "1.00" })?.trusted).toBe(false);
    expect(worst({ ...short, outcomes: "1111" }, "fgsm")?.trusted).toBe(false);
    const cheat = { through: "heads", checks: failed("budget-kept") };
    expect(worst({ ...cheat, outcomes: "1111" })?.trusted).toBe(false);
    const other = { through: "other", outcomes: "1111" };
    expect(worst(other)?.trusted).toBe(false);
  });

  it("compares with the first candidate on the same samples", () => {
    const cells = [
      cell({ candidate: "head", outcomes: "1111110000" }),
      cell({ candidate: "full", outcomes: "100000-001" }),
      cell({ candidate: "head", eps: 0.2, outcomes: "1111110000" }),
    ];
    const found = worstCases(cells, ["full", "head"], families);
    expect(found.map((one) => [one.candidate, one.threatModel])).toEqual([
      ["full", "linf-0.1"],
      ["head", "linf-0.1"],
      ["head", "linf-0.2"],
    ]);
    expect(found[1]?.comparison).toEqual({
      against: "full",
      difference: 4 / 10,
      gained: 5,
      lost: 1,
      pValue: mcnemar(5, 1),
    });
    expect(found[2]?.comparison).toBeNull();
  });

  it("refuses cells of different samples", () => {
    const unpaired = expect.objectContaining({ code: "CELLS_UNPAIRED" });
    const cells = [
      cell({ outcomes: "11" }),
      cell({ attack: "fgsm", outcomes: "111" }),
    ];
    expect(() => worstCases(cells, ["full"], families)).toThrow(unpaired);
    const others = [
      cell({ outcomes: "11" }),
      cell({ candidate: "head", outcomes: "111" }),
    ];
    expect(() => worstCases(others, ["full", "head"], families)).toThrow(
      unpaired,
    );
  });

  it("is never above any attack alone, and no order matters", () => {
    const outcome = fc.string({
      unit: fc.constantFrom("1", "0", "-"),
      minLength: 20,
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 5 }), (all) => {
        const cells = all.map((outcomes, i) =>
          cell({ attack: `a${i}`, outcomes }),
        );
        const [worst] = worstCases(cells, ["full"], families);
        for (const { robustAccuracy } of cells) {
          expect(worst?.robustAccuracy.value).toBeLessThanOrEqual(
            robustAccuracy.value,
          );
        }
        const [turned] = worstCases(cells.toReversed(), ["full"], families);
        expect(turned?.robustAccuracy).toEqual(worst?.robustAccuracy);
      }),
    );
  });
});

describe("curves", () => {
  it("run from clean accuracy through every eps in order", () => {
    const found = curves([
      cell({ eps: 0.2, outcomes: "000-" }),
      cell({ eps: 0.1, outcomes: "110-" }),
      cell({ eps: 0.1, norm: "l2", outcomes: "110-" }),
      cell({ eps: 0.3, defense: "blur", adaptive: false, outcomes: "000-" }),
      cell({ eps: 0.4, defense: "blur", outcomes: "000-" }),
    ]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      candidate: "full",
      defense: "none",
      attack: "pgd",
      norm: "linf",
    });
    expect(
      found[0]?.points.map(({ eps, robustAccuracy }) => [
        eps,
        robustAccuracy.value,
      ]),
    ).toEqual([
      [0, 0.75],
      [0.1, 0.5],
      [0.2, 0],
    ]);
  });

  it("say which budgets they are without", () => {
    const lost = (attack: string, threatModel: string) => ({
      ...{ what: "cell" as const, id: `full/none/${attack}@${threatModel}` },
      ...{ candidate: "full", defense: "none", attack, threatModel },
      because: null,
    });
    const [curve] = curves(
      [cell({ eps: 0.1, outcomes: "11" }), cell({ eps: 0.2, outcomes: "10" })],
      [lost("pgd", "three"), lost("pgd", "round"), lost("fgsm", "three")],
      [
        { id: "three", norm: "linf" },
        { id: "round", norm: "l2" },
      ],
    );
    expect(curve?.missing).toEqual(["full/none/pgd@three"]);
  });

  it("keep an attacked zero and need two positive eps", () => {
    const zero = cell({ eps: 0, outcomes: "10" });
    expect(curves([zero, cell({ outcomes: "00" })])).toEqual([]);
    const [curve] = curves([
      zero,
      cell({ outcomes: "00" }),
      cell({ eps: 0.2, outcomes: "00" }),
    ]);
    expect(curve?.points[0]?.robustAccuracy.value).toBe(0.5);
    expect(curve?.points).toHaveLength(3);
  });
});
