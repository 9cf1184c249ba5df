import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packagePath } from "#core";
import { renderHtml } from "#reports";
import type { Results } from "#results";
import { launch, noChromium } from "../chromium.ts";
import { exampleResults, hostile } from "./results.ts";

const html = await renderHtml(exampleResults());

test("text from outside stays text", () => {
  expect(html.match(/<script/gi)).toHaveLength(1);
  expect(html).not.toContain("<img src=x");
  expect(html).not.toMatch(/ on[a-z]+=/i);
  expect(html).not.toContain("\u202e");
  expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
});

test("loads nothing and allows nothing", () => {
  expect(html).not.toMatch(/ style=/);
  // Sections are its landmarks; tables that scroll would be fifty more.
  expect(html).not.toContain('role="region"');
  expect(html).not.toMatch(/(?:src|href)="(?!data:image\/png|#)/);
  expect(html).toContain("default-src 'none'");
});

test("the same document gives the same bytes", async () => {
  expect(await renderHtml(exampleResults())).toBe(html);
});

test("is small, and larger only by its pictures", async () => {
  const without = await renderHtml(exampleResults(() => ({ gallery: [] })));
  expect(without.length).toBeLessThan(400_000);
});

test("every link inside leads somewhere, every id is unique", () => {
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((m) => m[1]);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, target] of html.matchAll(/href="#([^"]+)"/g))
    expect(ids).toContain(target);
});

describe("the first screen", () => {
  const before = html.split("<nav")[0]!;

  test("says what is recommended and why, in the words of the results", () => {
    const { sentences } = exampleResults().recommendations![0]!;
    for (const sentence of sentences)
      expect(before.replaceAll("\u00a0", " ")).toContain(sentence);
    expect(before).toContain("was left out");
  });

  test("leads with what to take, where something is recommended", async () => {
    const taking = {
      ...exampleResults(),
      recommendations: [
        {
          ...exampleResults().recommendations![0]!,
          kind: "better" as const,
          take: { candidate: "full", defense: "median" },
        },
      ],
    } satisfies Results;
    expect(await renderHtml(taking)).toContain(
      '<p class="statement">Take full behind median.</p>',
    );
  });

  test("a smoke run recommends nothing, and says that it is one", async () => {
    const smoke = exampleResults(() => ({
      complete: false,
      smoke: { samples: 10, quick: true },
      recommendations: undefined,
    }));
    expect(await renderHtml(smoke)).toContain("A smoke run recommends nothing");
  });

  test("has the gate, trust, what was not tested, what failed, and no baseline", () => {
    for (const id of ["gate", "trust", "limits", "failures"])
      expect(before).toContain(`href="#${id}"`);
    expect(before).toContain("no baseline");
  });

  test("a picture of each budget names the front, and its table has every number", () => {
    const pictures = [...before.matchAll(/<svg .*?<\/svg>/gs)];
    expect(pictures).toHaveLength(2);
    // 50 samples right in 15 of them: the most robust, and as good clean.
    expect(pictures[0]![0]).toMatch(/class="label[^"]*"[^>]*>adversarial</);
    for (const name of ["head-only", "full", "adversarial + median"])
      expect(before).toContain(`<th scope="row">${name}</th>`);
  });

  test("nothing is recommended of a partial run, nor of results that are older", async () => {
    const partial = exampleResults(() => ({ complete: false }));
    expect(await renderHtml(partial)).toContain("so nothing is recommended");
    const older = exampleResults(() => ({ recommendations: undefined }));
    expect(await renderHtml(older)).toContain(
      "they were written before reports did",
    );
  });
});

test("its glossary has the words of the documents", () => {
  const documents = readFileSync(packagePath("docs", "glossary.md"), "utf8");
  const [, glossary] = html.split('id="glossary"');
  const terms = [...glossary!.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)];
  expect(terms.length).toBeGreaterThan(10);
  for (const [, term, meaning] of terms) {
    const said = meaning!.replaceAll(/<\/?code>/g, "`");
    expect(documents.toLowerCase()).toContain(
      `- **${term}**: ${said}`.toLowerCase(),
    );
  }
});

test("parts of an attack are a table with their mean", async () => {
  const part = (name: string, level: number, value: number) => ({
    name,
    level,
    robustAccuracy: { value, low: 0, high: 1, n: 100 },
  });
  const page = await renderHtml(
    exampleResults((r) => ({
      cells: r.cells.map((c, i) =>
        i > 0
          ? c
          : { ...c, breakdown: [part("jpeg", 1, 0.9), part("jpeg", 2, 0.5)] },
      ),
    })),
  );
  expect(html).not.toContain("Part by part");
  expect(page).toContain("70.0 % on average");
  expect(page).toMatch(/jpeg<\/th><td[^>]*>90.0 %<\/td><td[^>]*>50.0 %/);
});

test("what failed stands before the numbers, and worst cases say what they are without", async () => {
  const whole = { failures: undefined, missing: undefined };
  const page = await renderHtml(exampleResults(() => whole));
  expect(page).not.toContain("What failed");
  expect(html.indexOf('id="failures"')).toBeLessThan(
    html.indexOf('id="comparison"'),
  );
  expect(html).toContain("2 cells (full/none/square@linf-0.2, ");
  expect(html).toContain("without 2 attacks");
});

test("training seeds: what they and the samples add to the doubt", async () => {
  const page = await renderHtml(
    exampleResults(() => ({
      seeds: [
        {
          candidate: "full",
          defense: "none",
          threatModel: null,
          values: [0.9, 0.94],
          mean: 0.92,
          betweenSeeds: 0.0283,
          samplingError: 0.0192,
          low: 0.8,
          high: 1,
        },
      ],
    })),
  );
  expect(html).not.toContain("Several training seeds");
  expect(page).toContain("2.8 points");
  expect(page).toContain("1.9 points");
});

const edges: [string, (r: Results) => Partial<Results>][] = [
  ["no gate", () => ({ gate: { verdict: "none", rules: [] } })],
  [
    "an inconclusive gate",
    () => ({ gate: { verdict: "inconclusive", rules: [] } }),
  ],
  [
    "a partial run",
    (r) => ({
      complete: false,
      cells: r.cells.slice(0, 1),
      worstCases: r.worstCases.slice(0, 1),
      curves: [],
      gate: { verdict: "none", rules: [] },
    }),
  ],
  [
    "no defences, base or gallery",
    (r) => ({
      defenses: r.defenses.slice(0, 1),
      cells: r.cells.filter((c) => c.defense === "none"),
      worstCases: r.worstCases.filter((w) => w.defense === "none"),
      base: null,
      gallery: [],
      curves: [],
    }),
  ],
  [
    "one given candidate",
    (r) => ({
      candidates: r.candidates.slice(0, 1).map((c) => ({
        ...c,
        origin: "given" as const,
        strategy: null,
        training: null,
        lineage: null,
        trainableParameters: null,
        history: [],
        ended: null,
      })),
      cells: r.cells.filter((c) => c.candidate === "head-only"),
      worstCases: r.worstCases.filter((w) => w.candidate === "head-only"),
    }),
  ],
];

test.each(edges)(
  "a document with %s is told as it is",
  async (_what, change) => {
    const results = exampleResults(change);
    const page = await renderHtml(results);
    const label = results.complete
      ? {
          passed: "Passed",
          failed: "Failed",
          inconclusive: "Inconclusive",
          none: "No verdict",
        }[results.gate.verdict]
      : "Partial run";
    expect(page).toContain(`${label}</strong>`);
    // The script has such words.
    const [read] = page.split("<script>");
    expect(read).not.toMatch(/undefined|NaN|\[object/);
  },
);

describe.skipIf(noChromium)("in Chromium", () => {
  let browser: Browser;
  const file = join(
    mkdtempSync(join(tmpdir(), "assay-report-")),
    "report.html",
  );

  beforeAll(async () => {
    writeFileSync(file, html);
    browser = await launch();
  });
  afterAll(() => browser?.close());

  async function open(
    options: {
      javaScriptEnabled?: boolean;
      colorScheme?: "light" | "dark";
      viewport?: { width: number; height: number };
    } = {},
  ): Promise<{ page: Page; complaints: string[] }> {
    const page = await (
      await browser.newContext({
        bypassCSP: options.javaScriptEnabled !== false,
        ...options,
      })
    ).newPage();
    const complaints: string[] = [];
    page.on("console", (m) => complaints.push(m.text()));
    page.on("pageerror", (e) => complaints.push(e.message));
    page.on("request", (r) => {
      if (!r.url().startsWith("file:") && !r.url().startsWith("data:"))
        complaints.push(r.url());
    });
    page.on("dialog", (d) => complaints.push(d.message()));
    await page.goto(`file://${file}`);
    return { page, complaints };
  }

  test("opens without errors or requests, also without JavaScript, and shows its verdict", async () => {
    const { page, complaints } = await open({ javaScriptEnabled: false });
    expect(await page.textContent(".verdict strong")).toBe("Failed");
    expect(await page.isVisible("text=robustAccuracy: min 0.4")).toBe(true);
    expect(await page.textContent("h1")).toBe(`An audit of ${hostile.script}`);
    expect(await page.locator("svg").count()).toBeGreaterThan(5);
    // The style sheet is the one that the policy allows.
    const width = await page.locator("main").boundingBox();
    expect(width?.width).toBeLessThan(1200);
    expect(complaints).toEqual([]);
  });

  test("a person decides on the first screen: answer, gate and picture are in sight", async () => {
    const { page } = await open({ viewport: { width: 1280, height: 900 } });
    for (const selector of [".statement", ".verdict strong", ".fronts svg"]) {
      const box = await page.locator(selector).first().boundingBox();
      expect(box!.y + box!.height).toBeLessThan(900);
    }
  });

  test("is reached by keys alone: the skip link first, then links, details and tables", async () => {
    const { page } = await open();
    await page.keyboard.press("Tab");
    const skip = page.locator(".skip");
    expect(await skip.evaluate("document.activeElement.className")).toBe(
      "skip",
    );
    expect((await skip.boundingBox())!.x).toBeGreaterThan(0);
    const missed = await page.evaluate(
      "[...document.querySelectorAll('.scroll')].filter((e) => e.tabIndex !== 0 || !e.ariaLabel).map((e) => e.outerHTML.slice(0, 80))",
    );
    expect(missed).toEqual([]);
    await page.locator(".scroll").first().focus();
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(
      "getComputedStyle(document.activeElement).outlineStyle",
    );
    expect(outline).not.toBe("none");
  });

  test.each([
    ["light", 1280],
    ["dark", 1280],
    ["dark", 390],
  ] as const)(
    "has no finding of axe, and no sideways scrolling: %s, %i pixels wide, all open",
    async (colorScheme, width) => {
      const { page } = await open({
        colorScheme,
        viewport: { width, height: 900 },
      });
      await page.addScriptTag({
        content: readFileSync(
          createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
          "utf8",
        ),
      });
      await page.evaluate(
        "for (const one of document.querySelectorAll('details')) one.open = true",
      );
      const found = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: {
            run(): Promise<{
              violations: { id: string; nodes: { html: string }[] }[];
            }>;
          };
        };
        return (await axe.run()).violations.map((v) => [
          v.id,
          v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200)),
        ]);
      });
      expect(found).toEqual([]);
      expect(
        await page.evaluate("document.documentElement.scrollWidth"),
      ).toBeLessThanOrEqual(width);
    },
  );
});
