import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderHtml } from "#reports";
import type { Cell, Results } from "#results";
import { rate } from "../../src/audit/statistics/intervals.ts";
import { launch, noChromium } from "../chromium.ts";
import { exampleResults } from "./results.ts";

const CELLS = 500;
/** Times the samples of the example: 200. */
const TIMES = 4;
/** Checks that a cell of a run has, about. */
const CHECKS = 14;

/** A large run: the cells of the example under other names, with as many samples. */
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
      missing: undefined,
      failures: undefined,
    };
  });
}

function larger(cell: Cell): Cell {
  const outcomes = cell.outcomes.repeat(TIMES);
  const robust = outcomes.replaceAll(/[^1]/g, "").length;
  return {
    ...cell,
    id: `${cell.candidate}/${cell.defense}/${cell.attack}${cell.adaptive ? "" : "+as-is"}@${cell.threatModel.id}`,
    outcomes,
    robustAccuracy: rate(robust, outcomes.length),
    queriesToBreak: Array.from(
      { length: TIMES },
      () => cell.queriesToBreak,
    ).flat(),
    checks: Array.from({ length: CHECKS }, () => cell.checks).flat(),
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
      expect(
        await page.evaluate("document.documentElement.scrollWidth"),
      ).toBeLessThanOrEqual(390);
    } finally {
      await browser.close();
    }
  },
);
