import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, noChromium } from "../chromium.ts";
import { exampleResults } from "../reports/results.ts";
import { entered, faultsOf, overhang } from "./browser.ts";
import { opened } from "./opened.ts";

const { view } = await opened({
  one: exampleResults(),
  two: exampleResults(() => ({ title: "Second" })),
  rotten: "{",
});

describe.skipIf(noChromium)("in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  test.each([
    [1280, "light"],
    [1280, "dark"],
    [390, "light"],
    [390, "dark"],
  ] as const)(
    "list and run have no fault that axe finds, at %i pixels, %s",
    async (width, colorScheme) => {
      const { page, complaints } = await entered(browser, view, {
        width,
        colorScheme,
      });
      expect(await faultsOf(page)).toEqual([]);
      expect(await overhang(page)).toBe(0);
      await page.click("text=Second");
      expect(await page.textContent("h1")).toBe("Second");
      expect(await faultsOf(page)).toEqual([]);
      expect(await overhang(page)).toBe(0);
      expect(complaints).toEqual([]);
    },
  );

  test("rows are searched as one types, and two runs are compared, by keys alone", async () => {
    const { page, complaints } = await entered(browser, view);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type("second");
    expect(await page.textContent("#count")).toBe("1 of 3 runs");
    expect(await page.locator("#rows > tr:visible").count()).toBe(1);
    await page.fill("#q", "");
    await page.focus("input[name=old]");
    await page.keyboard.press("Space");
    await page.focus("input[name=new]");
    await page.keyboard.press("Space");
    await page.focus("button[form=compare]");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/compare\?old=\w{16}&new=\w{16}$/);
    expect(await page.textContent(".verdict")).toContain("became worse");
    expect(await faultsOf(page)).toEqual([]);
    // Past the link that skips to the content, the list is the first that is reached.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/$/);
    expect(await page.textContent("h1")).toBe("Runs");
    await page.click("text=Second");
    await page.click("text=Report");
    await page.click("text=This run");
    expect(await page.textContent("h1")).toBe("Second");
    expect(complaints).toEqual([]);
  });

  test("lists and searches without scripts", async () => {
    const { page } = await entered(browser, view, { javaScriptEnabled: false });
    await page.fill("#q", "second");
    await page.press("#q", "Enter");
    await page.waitForURL(/\?q=second$/);
    expect(await page.textContent("#count")).toBe("1 of 3 runs");
  });
});
