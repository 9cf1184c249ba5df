import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as wait } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import type { View } from "#view";

/** What axe finds grave in a page: the rule and where. */
export async function faultsOf(page: Page): Promise<unknown[]> {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  // Not by a script of the page, which its policy forbids.
  await page.evaluate(readFileSync(axe, "utf8"));
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; nodes: { html: string }[] }[];
        }>;
      };
    };
    return (await axe.run()).violations.map(({ id, nodes }) => [
      id,
      nodes.slice(0, 3).map(({ html }) => html),
    ]);
  });
}

/** A page of a view, entered by its address, and all that the browser complained of. */
export async function entered(
  browser: Browser,
  view: View,
  options: {
    readonly width?: number;
    readonly colorScheme?: "light" | "dark";
    readonly javaScriptEnabled?: boolean;
  } = {},
): Promise<{ page: Page; complaints: string[] }> {
  const { width = 1280, ...rest } = options;
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    ...rest,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (m) => complaints.push(m.text()));
  page.on("pageerror", (e) => complaints.push(e.message));
  page.on("dialog", (d) => complaints.push(d.message()));
  await page.goto(view.address);
  await page.waitForURL((url) => url.search === "");
  return { page, complaints };
}

/**
 * Waits until an expression holds in a page. `waitForFunction` looks again from within
 * the page, where its policy forbids what is compiled of text.
 */
export async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(expression))) await wait(20);
}

/** How much wider a page is than its window. */
export const overhang = (page: Page): Promise<number> =>
  page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
