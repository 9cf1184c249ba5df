import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Random } from "#core";
import { renderHtml } from "#reports";
import type { Cell, Results } from "#results";
import { rate } from "../../src/audit/statistics/intervals.ts";
import { launch, noChromium } from "../chromium.ts";
import { exampleResults } from "./results.ts";

const CELLS = 500;
const SAMPLES = 1_000;
/** Checks that a cell of a run has, and the letters of their messages, about. */
const CHECKS = 8;
const MESSAGE = 90;
/** Queries after which the last sample falls, about. */
const MOST_QUERIES: Readonly<Record<string, number>> = {
  fgsm: 2,
  pgd: 120,
  square: 5_000,
  noise: 10,
};

/** A large run: the cells of the example under other names, with more samples. */
function large(): Results {
  return exampleResults((small) => {
    const copies = Math.ceil(CELLS / small.cells.length);
    const named = <T extends { readonly candidate: string }>(
      all: readonly T[],
    ) =>
      Array.from({ length: copies }, (_, k) =>
        all.map((one) => ({ ...one, candidate: `${one.candidate}-${k}` })),
      ).flat();
    return {
      candidates: Array.from({ length: copies }, (_, k) =>
        small.candidates.map((one) => ({ ...one, id: `${one.id}-${k}` })),
      ).flat(),
      cells: named(small.cells).map(larger).slice(0, CELLS),
      worstCases: named(small.worstCases).map((one) => ({
        ...one,
        comparison: null,
      })),
      curves: named(small.curves),
      trials: named(small.trials).map((one) => ({
        ...one,
        id: `${one.candidate}/${one.repair}/${one.trial}`,
      })),
      samples: [
        {
          task: "main",
          fingerprints: every(SAMPLES, (i) =>
            i.toString(16).padStart(12, "0"),
          ).join(" "),
          labels: every(SAMPLES, (i) => i % 3).join(" "),
        },
      ],
      missing: undefined,
      failures: undefined,
    };
  });
}

const every = <T>(count: number, one: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => one(i));

/** The cell with drawn outcomes and queries, which no form of writing makes small. */
function larger(cell: Cell): Cell {
  const id = `${cell.candidate}/${cell.defense}/${cell.attack}${cell.adaptive ? "" : "+as-is"}@${cell.threatModel.id}`;
  const random = new Random(id);
  const share = random.uniform();
  const outcomes = every(SAMPLES, () =>
    random.uniform() < 0.03 ? "-" : random.uniform() < share ? "0" : "1",
  ).join("");
  const robust = outcomes.replaceAll(/[^1]/g, "").length;
  const most = MOST_QUERIES[cell.attack] ?? 1;
  return {
    ...cell,
    id,
    outcomes,
    robustAccuracy: rate(robust, outcomes.length),
    queriesToBreak: Array.from(outcomes, (is) =>
      is === "0" ? Math.ceil(most * random.uniform() ** 3) : 0,
    ),
    checks: every(CHECKS, (i) => ({
      ...cell.checks[0]!,
      message: `Check ${i} of ${id} `.padEnd(MESSAGE, "says what it saw "),
    })),
  };
}

const html = await renderHtml(large());

test("a report of 500 cells is below 3 MB", () => {
  expect(large().cells).toHaveLength(CELLS);
  expect(Buffer.byteLength(html)).toBeLessThan(3_000_000);
});

test.skipIf(noChromium)(
  "a report of 500 cells is painted at once, and does not scroll sideways on a phone",
  async () => {
    const file = join(mkdtempSync(join(tmpdir(), "assay-large-")), "page.html");
    writeFileSync(file, html);
    const browser = await launch();
    try {
      const page = await browser.newPage({
        viewport: { width: 390, height: 844 },
      });
      await page.goto(`file://${file}`);
      // A fifth of a second on a quiet machine.
      const paint = await page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0].startTime",
      );
      expect(paint).toBeLessThan(5_000);
      expect(await page.isVisible(".statement")).toBe(true);
      // A letter is read where the rows of the samples lead to, too.
      const { outcomes, queriesToBreak } = large().cells[0]!;
      const broken = outcomes.indexOf("0", 700);
      await page.evaluate(
        `location.hash = document.querySelectorAll("table.samples tbody tr")[${broken}].id`,
      );
      const told = await page.textContent("#sample-view tbody td:last-child");
      const [, within] = /^broken within (\d+) queries$/.exec(told ?? "")!;
      expect(Number(within)).toBeGreaterThanOrEqual(queriesToBreak[broken]!);
      expect(Number(within)).toBeLessThan(2.5 * queriesToBreak[broken]!);
      expect(
        await page.evaluate("document.documentElement.scrollWidth"),
      ).toBeLessThanOrEqual(390);
    } finally {
      await browser.close();
    }
  },
);
