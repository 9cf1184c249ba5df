import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type AuditEvent, loadSuite, planSuite, runAudit } from "#audit";
import { saveModel } from "#model";
import { resultsSchema } from "#results";
import { anytimeInterval } from "../../../src/audit/statistics/anytime.ts";
import { temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";

const folder = temporaryFolder();

const suiteOf = (gate: string, more = "") => `
version: 1
title: decided
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 100
candidates:
  one: { model: one.onnx }
threatModels:
  small: { norm: linf, eps: 0.01 }
  large: { norm: linf, eps: 0.4 }
attacks: { fgsm: fgsm, pgd: { id: pgd, steps: 3 } }
gate:
${gate}
${more}
`;

async function place(gate: string, more?: string) {
  const at = mkdtempSync(join(folder, "s-"));
  const suite = join(at, "suite.yaml");
  writeFileSync(suite, suiteOf(gate, more));
  saveModel(join(at, "one.onnx"), await reference());
  return { suite, out: join(at, "out") };
}

test("clear cases are decided by few samples, resume loses no batch, and the number stays with the gate", async () => {
  const options = await place(
    `  - robustAccuracy: { min: 0.5, threatModel: small, decide: true }
  - robustAccuracy: { min: 0.5, threatModel: large, decide: true }
  - cleanAccuracy: { min: 0.5 }`,
  );
  const run = async () => {
    const works: string[] = [];
    const onEvent = (event: AuditEvent) => {
      if (event.kind === "work" && event.state === "done")
        works.push(event.work);
    };
    return { results: await runAudit({ ...options, onEvent }), works };
  };
  const { results, works } = await run();
  expect(() => resultsSchema.parse(results)).not.toThrow();
  expect(works).toContain("decision one/none@small");
  expect(results.cells).toEqual([]);
  expect(results.worstCases).toEqual([]);
  expect(results.missing).toBeUndefined();
  expect(results.decisions).toHaveLength(2);
  for (const decision of results.decisions!) {
    const { attacked, order, robustAccuracy: found } = decision;
    expect(decision.decided).toBe(true);
    expect(attacked).toBeLessThanOrEqual(30);
    expect(new Set(order).size).toBe(attacked);
    expect(found.n).toBe(attacked);
    expect({ low: found.low, high: found.high }).toEqual(
      anytimeInterval(Math.round(found.value * attacked), attacked),
    );
    expect(decision.cleanAccuracy.n).toBe(100);
    for (const cell of decision.cells)
      expect(cell.outcomes).toHaveLength(attacked);
  }
  // What passes has been through every attack; what one has failed, none can mend.
  const [passing, failing] = results.decisions!;
  expect(passing).toMatchObject({ attacks: ["fgsm", "pgd"] });
  expect(passing?.skipped).toBeUndefined();
  expect(failing).toMatchObject({
    attacks: ["fgsm"],
    skipped: [
      {
        attack: "pgd",
        reason: "It could only have lowered a number that had failed by fgsm.",
      },
    ],
  });
  const [small, large, clean] = results.gate.rules;
  expect(large?.verdict).toBe("failed");
  expect(large?.measured).toMatch(
    /always-valid, n = \d+ of 100, .* by fgsm, without pgd/,
  );
  expect(large?.reason).toContain("for this rule alone");
  // Whether it passes is for the trust checks; its interval is within.
  expect(small?.reason).toContain("within the limit");
  expect(clean?.verdict).toBe("passed");

  // What was attacked is kept, batch by batch.
  rmSync(join(options.out, "decisions"), { recursive: true });
  const before = readdirSync(join(options.out, "examples")).sort();
  const again = await run();
  expect(again.works).toEqual([
    "decision one/none@small",
    "decision one/none@large",
  ]);
  expect(readdirSync(join(options.out, "examples")).sort()).toEqual(before);
  const plain = (all: typeof results.decisions) =>
    all!.map(({ cells, ...one }) => ({
      ...one,
      cells: cells.map((cell) => ({ ...cell, seconds: 0 })),
    }));
  expect(plain(again.results.decisions)).toEqual(plain(results.decisions));
});

test("a share that more attacks lower fails whenever it failed before", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.nat(),
      fc.nat(),
      fc.double({ min: 0.5, max: 0.9999, noNaN: true }),
      (n, a, b, confidence) => {
        const [less, more] = [a % (n + 1), b % (n + 1)].sort((x, y) => x - y);
        expect(anytimeInterval(less!, n, confidence).high).toBeLessThanOrEqual(
          anytimeInterval(more!, n, confidence).high + 1e-9,
        );
      },
    ),
    { numRuns: 60 },
  );
});

test("a number at its limit takes all samples, and says that it is not decided", async () => {
  const options = await place(
    "  - robustAccuracy: { min: 0.98, threatModel: small, decide: true }",
  );
  const { decisions, gate } = await runAudit(options);
  expect(decisions).toMatchObject([
    {
      attacked: 100,
      of: 100,
      decided: false,
      reason: "All 100 samples were attacked, and the rules are not decided.",
    },
  ]);
  expect(gate.verdict).toBe("inconclusive");
});

test("what needs whole cells is refused beside it, and a part of a run decides nothing", async () => {
  const decide =
    "  - robustAccuracy: { min: 0.5, threatModel: small, decide: true }";
  const planOf = async (
    gate: string,
    more?: string,
    only?: readonly string[],
  ) => {
    const { suite } = await place(gate, more);
    return planSuite(await loadSuite(suite), only);
  };
  await expect(
    planOf(`${decide}\n  - attackSuccess: { max: 0.5 }`),
  ).rejects.toThrow(/attackSuccess needs all samples of one \/ none \/ small/);
  const plan = await planOf(decide);
  expect(plan.cells.map(({ id }) => id)).toEqual([
    "one/none/fgsm@large",
    "one/none/pgd@large",
  ]);
  expect(plan.decisions[0]?.limits).toEqual([0.5]);
  const part = await planOf(decide, "", ["*@small"]);
  expect(part.decisions).toEqual([]);
  expect(part.cells).toHaveLength(2);
});
