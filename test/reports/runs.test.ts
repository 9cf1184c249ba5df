import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { historyHtml, renderHtml, runsHtml, runsMarkdown } from "#reports";
import type { Results } from "#results";
import { compareResults } from "../../src/audit/comparing/compare.ts";
import { launch, noChromium } from "../chromium.ts";
import { exampleResults, hostile } from "./results.ts";

/** The same run, where one attack breaks more. */
const worse = (results: Results): Partial<Results> => ({
  cells: results.cells.map((cell) =>
    cell.attack === "fgsm" && cell.defense === "none"
      ? { ...cell, trusted: true, outcomes: cell.outcomes.replaceAll("1", "0") }
      : cell,
  ),
});

const old = exampleResults((r) => ({
  cells: r.cells.map((cell) => ({ ...cell, trusted: true })),
}));
const now = exampleResults(worse);
const comparison = compareResults(old, now);

const past = (results: Results, startedAt: string, name: string) => ({
  name,
  results: { ...results, timing: { ...results.timing, startedAt } },
});
const runs = [
  past(now, "2026-02-01T00:00:00Z", "second"),
  past(old, "2026-01-01T00:00:00Z", hostile.script),
];

const pages = [
  ["of two runs", runsHtml(comparison)],
  ["of many runs", historyHtml(runs)],
] as const;

describe.each(pages)("the page %s", (_what, html) => {
  test("keeps text from outside as text, loads nothing and allows nothing", () => {
    expect(html).not.toMatch(/<script/i);
    expect(html).not.toContain("<img src=x");
    expect(html).not.toMatch(/ style=| on[a-z]+=/i);
    expect(html).not.toContain("\u202e");
    expect(html).not.toMatch(/(?:src|href)="(?!#)/);
    expect(html).toContain("default-src 'none'");
  });

  test("has unique ids, and links that lead somewhere", () => {
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((m) => m[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of html.matchAll(/href="#([^"]+)"/g))
      expect(ids).toContain(target);
  });

  test.skipIf(noChromium)(
    "has no finding of axe, and no sideways scrolling",
    async () => {
      const file = join(mkdtempSync(join(tmpdir(), "assay-")), "page.html");
      writeFileSync(file, html);
      const browser = await launch();
      try {
        const page = await browser.newPage({
          viewport: { width: 390, height: 844 },
          bypassCSP: true,
        });
        await page.goto(`file://${file}`);
        const axe = createRequire(import.meta.url).resolve(
          "axe-core/axe.min.js",
        );
        await page.evaluate(readFileSync(axe, "utf8"));
        await page.evaluate(
          "for (const one of document.querySelectorAll('details')) one.open = true",
        );
        const found = await page.evaluate(async () => {
          const { axe } = globalThis as unknown as {
            axe: { run(): Promise<{ violations: { id: string }[] }> };
          };
          return (await axe.run()).violations.map(({ id }) => id);
        });
        expect(found).toEqual([]);
        expect(
          await page.evaluate("document.documentElement.scrollWidth"),
        ).toBeLessThanOrEqual(390);
      } finally {
        await browser.close();
      }
    },
  );
});

test("what became worse stands first, with its samples", () => {
  const changes = comparison.rows.filter(({ change }) => change === "worse");
  expect(changes.length).toBeGreaterThan(0);
  const html = pages[0][1];
  expect(html).toContain(`${changes.length} became worse`);
  const words = [...html.matchAll(/class="change change-(\w+)"/g)].map(
    ([, word]) => word,
  );
  expect(words.slice(0, changes.length)).toEqual(changes.map(() => "worse"));
  const flip = changes[0]!.flips[0]!;
  expect(html).toContain(`<td>${flip.was}</td><td>${flip.now}</td>`);
});

test("Markdown keeps names in their cells", () => {
  const text = runsMarkdown(comparison);
  const widths = text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.replaceAll("\\|", "").split("|").length);
  expect(new Set(widths).size).toBe(1);
});

test("a report has a section only where there is a baseline", async () => {
  expect(await renderHtml(now)).not.toContain('id="since"');
  const page = await renderHtml({ ...now, comparison });
  expect(page).toContain('id="since"');
  // The first screen has the sentence, and leads there.
  const [first] = page.split("<nav");
  expect(first).toMatch(/\d+ became worse and .*href="#since"/);
});

test("runs stand in the order of their starts, and another attack begins another line", () => {
  const html = pages[1][1];
  expect(html.indexOf("&lt;script&gt;alert(1)")).toBeLessThan(
    html.indexOf(">second<"),
  );
  const other = {
    ...now,
    attacks: now.attacks.map((one) => ({ ...one, params: { steps: 99 } })),
  };
  const changed = historyHtml([
    past(old, "2026-01-01T00:00:00Z", "first"),
    past(other, "2026-02-01T00:00:00Z", "second"),
  ]);
  expect(changed).toContain(" from 2<");
  expect(html).not.toContain(" from 2<");
});
