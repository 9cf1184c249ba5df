import { expect, test } from "vitest";
import { trialAttacks } from "#attacks";
import { renderHtml, renderMarkdown } from "#reports";
import { decidedView } from "../../reports/html/sections/decided.ts";
import { numberChart } from "../../reports/html/sections/number-chart.ts";
import { judgementsOf } from "../../reports/judgements.ts";
import { limitsOf } from "../../reports/limits.ts";
import { exampleResults } from "./results.ts";

const results = exampleResults();

test("a report says what was decided early: on how many samples, beside which limits", async () => {
  const view = decidedView(results)!;
  expect(view).toMatchObject({
    early: "1",
    of: "2",
    attacked: "62",
    all: "100",
    cells: "2",
  });
  expect(view.rows[0]).toMatchObject({
    candidate: "head-only",
    limits: "20.0 %",
    samples: "12 of 50",
    trusted: true,
  });
  const html = await renderHtml(results);
  for (const text of ["Decided early", "12 of 50", "always-valid"])
    expect(html).toContain(text);
  // The first screen leads there, and methods name the interval.
  expect(html).toMatch(
    /<a href="#decided">Decided on 62 of 100\ssamples\.<\/a>/,
  );
  expect(html).toContain("Howard et al. 2021");
  expect(renderMarkdown(results)).toContain("Decided on 62 of 100 samples.");
});

test("without such rules nothing of it is there", async () => {
  const { decisions: _, ...others } = results;
  expect(decidedView(others)).toBeNull();
  expect(await renderHtml(others)).not.toContain("Decided early");
  expect(renderMarkdown(others)).not.toContain("Decided on");
});

test("what was attacked for the gate alone is judged, and counts as tried", () => {
  const judged = judgementsOf(results);
  const id = "head-only/none/square@linf-0.3";
  expect(judged.find(({ subject }) => subject === id)?.message).toMatch(
    /decided on 12 of 50 samples/,
  );
  const alone = { ...results, cells: [] };
  expect(limitsOf({ ...alone, decisions: undefined }).join()).toContain("L∞");
  expect(limitsOf(alone).join()).not.toContain("L∞");
});

test("what was not tested is said of the task at hand", () => {
  const of = (source: string) =>
    limitsOf({
      ...results,
      gallery: [],
      provenance: {
        ...results.provenance,
        data: { ...results.provenance.data, source },
      },
    }).join(" ");
  expect(of("image-folder")).toContain("Patches, rotations");
  for (const table of ["csv", "parquet", "arrow", "loans"]) {
    expect(of(table)).toContain("categories that were never seen");
    expect(of(table)).not.toContain("Patches");
  }
  expect(of("npy")).toContain("another scale");
  expect(of("npy")).not.toContain("Patches");
  for (const text of ["text", "tagged-text"]) {
    expect(of(text)).toContain("Other words");
    expect(of(text)).not.toMatch(/Patches|L∞/);
  }
});

test("a chart has a table of all its numbers, however many places it has", () => {
  for (const count of [5, 24, 25, 200]) {
    const points = Array.from({ length: count }, (_, x) => ({
      x,
      y: x / count,
      low: null,
      high: null,
    }));
    const { table, column } = numberChart({
      id: "chart",
      title: "A chart",
      x: { label: "Steps", scale: "linear" },
      y: { label: "Share", scale: "share" },
      lines: [
        { name: "one", points },
        { name: "other", points: points.slice(1) },
      ],
    });
    const isLong = count > 24;
    expect(column).toBe(isLong ? "Steps" : "Line");
    expect(isLong ? table.rows.length : table.places.length).toBe(count);
    const values = table.rows.flatMap((row) => row.values.map((v) => v.value));
    expect(values.filter((value) => value !== "-")).toHaveLength(2 * count - 1);
  }
});

test("what attacks on a language model tried is known whatever a suite calls them", () => {
  const [one] = trialAttacks.filter(({ kind }) => kind === "language");
  const of = (attack: string) =>
    limitsOf({
      ...results,
      task: { kind: "lm", broken: "", chance: 0 },
      trialAttacks: [
        {
          id: "mine",
          attack,
          kind: "language",
          title: one!.title,
          reference: one!.reference,
          params: {},
          threat: one!.threat,
          taxonomy: { atlas: [], owasp: [], nist: [] },
        },
      ],
    }).join(" ");
  const named = trialAttacks.map(({ id }) => id);
  for (const [attack, sentence] of [
    ["harmful-tuning", "Harmful fine-tuning"],
    ["jailbreak-tuning", "Harmful fine-tuning"],
    ["identity-shifting", "Harmful fine-tuning"],
    ["interpolation", "way back"],
    ["backdoor-tuning", "Backdoors"],
    ["embedding-poisoning", "Backdoors"],
  ] as const) {
    expect(named).toContain(attack);
    expect(of(attack)).not.toContain(sentence);
    expect(of("prefill")).toContain(sentence);
  }
});
