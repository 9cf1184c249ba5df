import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { runAudit } from "#audit";
import { packagePath, sha256 } from "#core";
import type { Examples, Results } from "#results";
import { openView } from "#view";
import { median } from "./steps.ts";

// How long the page of a cell of very many samples takes to paint in Chromium, from the
// start of its navigation to the first text, in a browser that knows nothing of it.

const SAMPLES = 100_000;
const SIZE = 28;

/** Where Chromium is, unless CHROME_PATH says otherwise. */
const path = process.env.CHROME_PATH ?? "/usr/bin/chromium";

/** Prints the median and the longest of some first paints, in milliseconds. */
export async function view(rounds: number): Promise<void> {
  if (!existsSync(path)) {
    console.log(`no Chromium at ${path}: name one in CHROME_PATH`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-view-"));
  const results = await manySamples(folder);
  const made = pictures();
  const opened = await openView({
    paths: [folder],
    port: 0,
    examples: () => async () => made,
  });
  const browser = await chromium.launch({
    executablePath: path,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const paints: number[] = [];
    for (let k = 0; k < rounds; k++)
      paints.push(await paintOf(browser, opened.address, results.cells[0]!.id));
    console.log(
      `Chromium ${browser.version()}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model}

page of a cell of ${SAMPLES} pictures of ${SIZE} x ${SIZE}, ${rounds} loads
first paint: ${Math.round(median(paints))} ms, at most ${Math.round(Math.max(...paints))} ms`,
    );
  } finally {
    await browser.close();
    await opened.close();
    rmSync(folder, { recursive: true });
  }
}

/** A run of the built-in digits, one cell of which is said to have many samples. */
async function manySamples(out: string): Promise<Results> {
  const small = await runAudit({
    suite: packagePath("suites", "quick.yaml"),
    out,
    smoke: { samples: 10, quick: true },
  });
  const [first, ...others] = small.cells;
  const outcomes = "1101".repeat(SAMPLES / 4);
  const results = {
    ...small,
    cells: [{ ...first!, outcomes, queriesToBreak: [] }, ...others],
  };
  writeFileSync(join(out, "results.json"), JSON.stringify(results));
  return results;
}

function pictures(): Examples {
  const dims = [SAMPLES, 1, SIZE, SIZE];
  const clean = { dims, data: new Float32Array(SAMPLES * SIZE * SIZE) };
  const attacked = { dims, data: clean.data.slice().fill(0.25) };
  const labels = Array.from({ length: SAMPLES }, (_, i) => String(i % 10));
  return { clean, attacked, columns: null, labels };
}

/** Milliseconds to the first paint of the page of a cell. */
async function paintOf(
  browser: Browser,
  address: string,
  cell: string,
): Promise<number> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address);
  const run = await page.getAttribute("#rows a", "href");
  const home = `${run}/cells/${sha256(cell).slice(0, 16)}`;
  await page.goto(new URL(home, address).href, { waitUntil: "load" });
  const paint = await page.evaluate<number>(
    `new Promise((tell) => new PerformanceObserver((list) => tell(list.getEntries()[0].startTime)).observe({ type: "paint", buffered: true }))`,
  );
  await context.close();
  return paint;
}
