import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "#core";
import { launch, noChromium } from "../chromium.ts";
import { entered, faultsOf, overhang, until } from "./browser.ts";
import { pictures, rowsOfTables, runOf, texts } from "./cells.ts";
import { addressOf, opened } from "./opened.ts";

const N = 100_000;

/** Rows that may stand in the page at once: those of the pages around what is seen. */
const MOST = 300;

const { results, cell } = runOf(N);
const made = { pictures: pictures(N), texts: texts(N), rows: rowsOfTables(N) };
type Kind = keyof typeof made;

/** A view on a run whose samples are of a kind, and the page of its first cell. */
async function cellOf(kind: Kind) {
  const { view } = await opened({ one: results }, () => async () => made[kind]);
  const run = await addressOf(view, results.title);
  return { view, home: `${run}/cells/${sha256(cell.id).slice(0, 16)}` };
}
const cells = {
  pictures: await cellOf("pictures"),
  texts: await cellOf("texts"),
  rows: await cellOf("rows"),
};

describe.skipIf(noChromium)("100,000 samples in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  async function open(kind: Kind, path = "", how = {}) {
    const { view, home } = cells[kind];
    const { page, complaints } = await entered(browser, view, how);
    await page.goto(new URL(home + path, view.address).href);
    return { page, complaints };
  }

  const rowsIn = (page: Page) =>
    page.locator("#samples tbody tr[aria-rowindex]").count();
  const seen = (page: Page, sample: number) =>
    page.locator(`#samples >> role=link[name="Sample ${sample}"]`).isVisible();
  const scroll = (page: Page, row: number) =>
    page.evaluate(`document.getElementById("samples").scrollTop = 72 * ${row}`);
  const arrived = (page: Page, sample: number) =>
    page.waitForSelector(`#samples a[aria-label="Sample ${sample}"]`);

  test("a page has few rows, wherever one scrolls, and all are said to be there", async () => {
    const { page, complaints } = await open("pictures");
    const table = page.locator("#samples table");
    expect(await table.getAttribute("aria-rowcount")).toBe(String(N + 1));
    expect(await rowsIn(page)).toBeLessThan(MOST);
    await page.focus("#samples");
    await page.keyboard.press("End");
    const last = await arrived(page, N - 1);
    expect(
      await last.evaluate(
        (link) =>
          (
            link as unknown as { closest(of: string): { ariaRowIndex: string } }
          ).closest("tr").ariaRowIndex,
      ),
    ).toBe(String(N + 1));
    expect(await rowsIn(page)).toBeLessThan(MOST);
    await page.keyboard.press("Home");
    await arrived(page, 0);
    // Far away, many times, without a rest.
    for (let k = 1; k <= 40; k++) await scroll(page, 1000 * ((k * 37) % 100));
    await scroll(page, 50_000);
    await arrived(page, 50_000);
    expect(await rowsIn(page)).toBeLessThan(MOST);
    await until(
      page,
      'document.getElementById("place").textContent.startsWith("50001 to")',
    );
    expect(complaints).toEqual([]);
  });

  test("every row is as high as the others, of each kind", async () => {
    for (const kind of ["pictures", "texts", "rows"] as const)
      for (const width of [1280, 390]) {
        const { page } = await open(kind, "", { width });
        await arrived(page, 60);
        const heights = await page.evaluate(
          'Array.from(new Set(Array.from(document.querySelectorAll("#samples tbody tr[aria-rowindex]"), (row) => row.getBoundingClientRect().height)))',
        );
        expect([kind, width, heights]).toEqual([kind, width, [72]]);
        await page.context().close();
      }
  });

  test("a sample is gone to, among those that were broken, and its pictures are there", async () => {
    const { page, complaints } = await open("pictures", "?outcome=broken");
    await page.fill("#sample", "70000");
    await page.press("#sample", "Enter");
    await page.waitForURL(/outcome=broken&sample=70000$/);
    await arrived(page, 70_002);
    expect(await seen(page, 70_002)).toBe(true);
    await until(
      page,
      'Array.from(document.querySelectorAll("#samples img")).some((image) => image.naturalWidth === 8)',
    );
    await page.click('#samples a[aria-label="Sample 70002"]');
    expect(await page.textContent("h1")).toBe("Sample 70002");
    await page.click("text=next sample");
    expect(await page.textContent("h1")).toBe("Sample 70006");
    expect(complaints).toEqual([]);
  });

  test("what has the focus and is scrolled away gives it back to the table", async () => {
    const { page } = await open("texts");
    await page.focus('#samples a[aria-label="Sample 0"]');
    await scroll(page, 90_000);
    await arrived(page, 90_000);
    expect(await page.evaluate("document.activeElement.id")).toBe("samples");
  });

  test("a page at a time without scripts", async () => {
    const { page } = await open("rows", "", { javaScriptEnabled: false });
    expect(await rowsIn(page)).toBe(50);
    await page.click("text=next page");
    expect(await seen(page, 50)).toBe(true);
  });

  test.each([
    ["pictures", 1280, "light"],
    ["pictures", 390, "dark"],
    ["texts", 390, "light"],
    ["texts", 1280, "dark"],
    ["rows", 390, "dark"],
    ["rows", 1280, "light"],
  ] as const)(
    "%s have no fault that axe finds, at %i pixels, %s",
    async (kind, width, colorScheme) => {
      const { page, complaints } = await open(kind, "", { width, colorScheme });
      await arrived(page, 60);
      expect(await faultsOf(page)).toEqual([]);
      expect(await overhang(page)).toBe(0);
      await page.click('#samples a[aria-label="Sample 2"]');
      expect(await page.textContent("h1")).toBe("Sample 2");
      expect(await faultsOf(page)).toEqual([]);
      expect(await overhang(page)).toBe(0);
      expect(complaints).toEqual([]);
    },
  );
});
