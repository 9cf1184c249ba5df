import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderHtml } from "#reports";
import { type Fate, outcomesOf } from "#results";
import {
  fatesIn,
  lettersOf,
  spans,
  toldOf,
} from "../../reports/html/sections/fates.ts";
import { launch, noChromium } from "../chromium.ts";
import { exampleResults } from "./results.ts";

const results = exampleResults();
const html = await renderHtml(results);

/** "0-3 7" as samples, and "0-3,7:12" as well. */
const samplesIn = (text: string): number[] =>
  text
    .split(" ")
    .filter(Boolean)
    .flatMap((one) => one.split(":")[0]!.split(","))
    .flatMap((span) => {
      const [from, to] = span.split("-").map(Number);
      return Array.from(
        { length: (to ?? from!) - from! + 1 },
        (_, i) => from! + i,
      );
    });

test("stretches of samples hold each sample once", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60)), (drawn) => {
      const samples = drawn.sort((a, b) => a - b);
      expect(samplesIn(spans(samples))).toEqual(samples);
    }),
  );
});

test("what became of every sample can be read from the lists of a cell", () => {
  const fate = fc.constantFrom<Fate>("robust", "broken", "wrong", "absent");
  fc.assert(
    fc.property(
      fc.array(fate, { maxLength: 60 }),
      fc.boolean(),
      (fates, queries) => {
        const told = fatesIn(
          {
            outcomes: outcomesOf(fates),
            queriesToBreak: queries
              ? fates.map((f, i) => (f === "broken" ? 1 + (i % 7) : 0))
              : [],
          },
          { listed: 60, lettered: false },
        );
        const are = (wanted: Fate) =>
          fates.flatMap((f, i) => (f === wanted ? [i] : []));
        expect(samplesIn(told.broken).sort((a, b) => a - b)).toEqual(
          are("broken"),
        );
        expect(samplesIn(told.wrong)).toEqual(are("wrong"));
        expect(samplesIn(told.absent)).toEqual(are("absent"));
        if (told.counted)
          for (const one of told.broken.split(" "))
            for (const sample of samplesIn(one))
              expect(one).toMatch(new RegExp(`:${1 + (sample % 7)}$`));
      },
    ),
  );
});

test("a letter for each sample says what became of it, in lines of twenty", () => {
  const fate = fc.constantFrom<Fate>("robust", "broken", "wrong", "absent");
  const steps = [1, 2, 5]
    .flatMap((k) => [k, 10 * k, 100 * k, 1000 * k])
    .sort((a, b) => a - b);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fate, fc.nat(5000)), { maxLength: 90 }),
      (drawn) => {
        const queries = drawn.map(([is, count]) =>
          is === "broken" ? count : 0,
        );
        const lines = lettersOf(
          drawn.map(([is]) => is),
          queries,
        ).split("\n");
        for (const [i, [is, count]] of drawn.entries()) {
          const [from, ...tens] = lines[Math.floor(i / 20)]!.split(" ");
          expect(from).toBe(String(20 * Math.floor(i / 20)));
          const letter = tens.join("")[i % 20]!;
          const expected =
            is === "broken" && count > 0
              ? "ABCDEFGHIJKL"[steps.findIndex((step) => count <= step)]
              : { robust: ".", wrong: "w", absent: "n", broken: "X" }[is];
          expect(letter).toBe(expected);
        }
      },
    ),
  );
});

test("of very many samples the first are listed, and that is said", async () => {
  const many = exampleResults((r) => ({
    cells: r.cells.map((c) => ({ ...c, outcomes: "0".repeat(60_000) })),
  }));
  const { listed, lettered } = toldOf(many);
  expect(lettered).toBe(true);
  expect(listed * many.cells.length).toBeLessThanOrEqual(600_000);
  expect(toldOf(results)).toEqual({ listed: 50, lettered: false });
  expect(await renderHtml(many)).toContain(
    `of 60000 the first ${listed} follow`,
  );
});

test("every cell has a page, and the tables lead to it", () => {
  const pages = [
    ...html.matchAll(/<div id="(cell-[^"]+)">\n<p><code>([^<]+)</g),
  ];
  expect(pages.map(([, , cell]) => cell)).toEqual(
    results.candidates.flatMap(({ id }) =>
      results.cells.filter((c) => c.candidate === id).map((c) => c.id),
    ),
  );
  for (const [, id, name] of pages) {
    const { threatModel } = results.cells.find((c) => c.id === name)!;
    const main = ["linf-0.1", "linf-0.2"].includes(threatModel.id);
    // The list of cells, and the heat map of a main threat model.
    expect(html.split(`href="#${id}"`).length - 1).toBeGreaterThanOrEqual(
      main ? 2 : 1,
    );
  }
});

test("a row of each sample says how often it was broken", () => {
  const rows = [
    ...html.matchAll(
      /<tr id="samples-main-[^"]+-(\d+)">.*?<td>([^<]*)<\/td><td[^>]*>(\d+)<\/td><td[^>]*>(\d+)<\/td><td[^>]*>(\d+)/g,
    ),
  ];
  expect(rows).toHaveLength(50);
  for (const [, sample, , ...counts] of rows)
    expect(counts.map(Number)).toEqual(
      ["0", "1", "-"].map(
        (fate) =>
          results.cells.filter((c) => c.outcomes[Number(sample)] === fate)
            .length,
      ),
    );
  expect(rows[0]?.[2]).toBe("cat");
});

test("how numbers were made is told of those that there are", async () => {
  expect(html).toContain("Clopper and Pearson 1934");
  expect(html).toContain("Cohen et al. 2019");
  const page = await renderHtml(
    exampleResults(() => ({ certificates: [], trials: [], curves: [] })),
  );
  const [, methods] = page.split('id="methods"');
  expect(methods).not.toContain("Cohen et al. 2019");
  expect(methods).not.toContain("Findings of attacks on the fine-tuning");
});

test("what lines are held against stands in a chart if it is the same of all", async () => {
  const withLevels = (levelOf: (i: number) => number) =>
    renderHtml(
      exampleResults((r) => ({
        trials: r.trials.map((t, i) => ({
          ...t,
          charts: t.charts.map((c) => ({
            ...c,
            levels: [{ label: "as released", y: levelOf(i) }],
          })),
        })),
      })),
    );
  expect(await withLevels(() => 0.625)).toContain("as released 62.5 %");
  expect(await withLevels((i) => i / 10)).not.toContain("as released");
});

test("where other layers began to be trained is marked", () => {
  const [, training] = html.split('id="training"');
  expect(
    training?.match(/<line class="stage" x1="([\d.]+)" x2="\1"/),
  ).toBeTruthy();
});

test("500 cells of 200 samples are below 3 MB", async () => {
  const message =
    "Of 12 samples that were left standing none was broken by a search by scores.";
  const page = await renderHtml(
    exampleResults((r) => ({
      cells: Array.from({ length: 500 }, (_, i) => {
        const cell = r.cells[i % r.cells.length]!;
        return {
          ...cell,
          id: `${cell.id}.${i}`,
          outcomes: cell.outcomes.repeat(4),
          queriesToBreak: Array.from(cell.outcomes.repeat(4), (o, k) =>
            o === "0" ? 1 + 13 * k : 0,
          ),
          // As many as an iterated attack has.
          checks: Array.from({ length: 19 }, (_, k) => ({
            id: `check-${k}`,
            title: "Random search finds nothing",
            status: "passed" as const,
            message,
          })),
        };
      }),
    })),
  );
  expect(page.length).toBeLessThan(3_000_000);
});

describe.skipIf(noChromium)("in Chromium", () => {
  let browser: Browser;
  const file = join(
    mkdtempSync(join(tmpdir(), "assay-evidence-")),
    "report.html",
  );
  beforeAll(async () => {
    writeFileSync(file, html);
    browser = await launch();
  });
  afterAll(() => browser?.close());

  /** The policy of the report holds here, as nothing bypasses it. */
  async function open(hash = "", javaScriptEnabled = true) {
    const page = await (
      await browser.newContext({ javaScriptEnabled })
    ).newPage();
    const complaints: string[] = [];
    page.on("console", (m) => complaints.push(m.text()));
    page.on("pageerror", (e) => complaints.push(e.message));
    await page.goto(`file://${file}${hash}`);
    return { page, complaints };
  }

  const cells = (page: Page) =>
    page.locator('section[aria-labelledby="cells"]');
  const shown = (page: Page, column: number) =>
    cells(page)
      .locator(`tbody tr:not([hidden]) > :nth-child(${column})`)
      .allTextContents();
  const sortBy = (page: Page, name: string) =>
    cells(page).getByRole("button", { name });

  test("tables are sorted by the keyboard, and say so", async () => {
    const { page, complaints } = await open();
    const written = await shown(page, 5);
    const button = sortBy(page, "Robust accuracy");
    const head = cells(page).locator("th[scope=col]", {
      hasText: "Robust accuracy",
    });
    await button.focus();
    await page.keyboard.press("Enter");
    expect(await head.getAttribute("aria-sort")).toBe("ascending");
    const values = (await shown(page, 5)).map((t) => Number.parseFloat(t));
    expect(values).toEqual(
      written.map((t) => Number.parseFloat(t)).sort((a, b) => a - b),
    );
    await page.keyboard.press(" ");
    expect(await head.getAttribute("aria-sort")).toBe("descending");
    expect((await shown(page, 5)).map((t) => Number.parseFloat(t))).toEqual(
      values.reverse(),
    );
    await page.keyboard.press("Enter");
    expect(await head.getAttribute("aria-sort")).toBeNull();
    expect(await shown(page, 5)).toEqual(written);
    expect(complaints).toEqual([]);
  });

  test("budgets are sorted by their size, names as text", async () => {
    const { page } = await open();
    await sortBy(page, "Budget").click();
    const sizes = (await shown(page, 4)).map((t) => Number(t.split("= ")[1]));
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    await sortBy(page, "Candidate").click();
    const names = await shown(page, 1);
    expect(names).toEqual(names.toSorted());
  });

  test("a filter keeps the rows that have every word, and none that is forbidden", async () => {
    const { page } = await open();
    const filter = cells(page).getByLabel("Filter");
    await filter.fill("median pgd !as-is");
    const rows = await cells(page)
      .locator("tbody tr:not([hidden])")
      .allTextContents();
    const expected = results.cells.filter(
      (c) => c.defense === "median" && c.attack === "pgd" && c.adaptive,
    );
    expect(rows).toHaveLength(expected.length);
    expect(await cells(page).locator("output").textContent()).toBe(
      `${expected.length} of ${results.cells.length} rows`,
    );
    await filter.fill("");
    expect(await shown(page, 1)).toHaveLength(results.cells.length);
  });

  test.each([true, false])(
    "a link opens the page of its cell, with scripts: %s",
    async (scripts) => {
      const { page, complaints } = await open("", scripts);
      const link = page.locator("table.heat a").first();
      const target = page.locator((await link.getAttribute("href"))!);
      expect(await target.isVisible()).toBe(false);
      await link.click();
      expect(await target.isVisible()).toBe(true);
      expect(await target.textContent()).toContain("npx assay run");
      expect(complaints).toEqual([]);
      // The same link, in another window.
      const other = await open(new URL(page.url()).hash, scripts);
      expect(
        await other.page.locator(new URL(page.url()).hash).isVisible(),
      ).toBe(true);
    },
  );

  test("a sample tells what became of it in every cell", async () => {
    const { page, complaints } = await open();
    await page
      .locator("table.samples")
      .getByRole("link", { name: "2", exact: true })
      .click();
    const view = page.locator("#sample-view");
    const told = await view.locator("tbody td:last-child").allTextContents();
    const expected = results.candidates.flatMap(({ id }) =>
      results.cells.filter((c) => c.candidate === id),
    );
    expect(told).toEqual(
      expected.map(({ outcomes, queriesToBreak }) =>
        outcomes[2] === "-"
          ? "wrong without it"
          : outcomes[2] === "1"
            ? "robust"
            : `broken after ${queriesToBreak[2]} queries`,
      ),
    );
    expect(await view.locator("img").count()).toBe(3);
    await view.getByLabel("Filter").fill("adversarial median");
    expect(await view.locator("tbody tr:not([hidden])").count()).toBe(
      expected.filter(
        (c) => c.candidate === "adversarial" && c.defense === "median",
      ).length,
    );
    // The next one takes its place.
    await page.goto(
      `file://${file}${new URL(page.url()).hash.replace(/-2$/, "-3")}`,
    );
    expect(await view.locator("caption").textContent()).toMatch(/^Sample 3:/);
    expect(complaints).toEqual([]);
  });

  test.each(["light", "dark"] as const)(
    "what scripts add has no accessibility fault, %s",
    async (colorScheme) => {
      const page = await (
        await browser.newContext({ colorScheme, bypassCSP: true })
      ).newPage();
      await page.goto(`file://${file}`);
      await page.locator("table.heat a").first().click();
      await sortBy(page, "Robust accuracy").click();
      await page.locator("table.samples a").first().click();
      await page.addScriptTag({
        content: readFileSync(
          createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
          "utf8",
        ),
      });
      const found = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: {
            run(of: object): Promise<{
              violations: { id: string; nodes: { html: string }[] }[];
            }>;
          };
        };
        const include = [
          ['section[aria-labelledby="cells"]'],
          ['section[aria-labelledby="samples"]'],
        ];
        return (await axe.run({ include })).violations.map((v) => [
          v.id,
          v.nodes.slice(0, 3).map((n) => n.html),
        ]);
      });
      expect(found).toEqual([]);
    },
  );

  test("without scripts there is nothing to press, and all rows are there", async () => {
    const { page } = await open("", false);
    expect(await page.locator("button, input").count()).toBe(0);
    expect(await shown(page, 1)).toHaveLength(results.cells.length);
  });
});
