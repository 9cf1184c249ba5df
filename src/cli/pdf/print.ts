import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { AssayError } from "#core";

/** A page that takes longer does not end. */
const LONGEST_MS = 300_000;

/**
 * What it is started with. It has no network: whatever it asked for would go to a proxy
 * that is not there, which nothing bypasses. No profile of the user is touched.
 */
const FLAGS = [
  "--headless",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-extensions",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--no-default-browser-check",
  "--proxy-server=127.0.0.1:1",
  "--proxy-bypass-list=<-loopback>",
  "--no-pdf-header-footer",
];

/** Whether Chromium refuses to run with its sandbox, as it does for root. */
export const isRoot = (): boolean => process.getuid?.() === 0;

/**
 * A page as a PDF, by an installed Chromium. It runs in its sandbox, unless this
 * process is root, for whom Chromium has none.
 *
 * @throws PDF_FAILED
 */
export async function asPdf(
  html: string,
  browser: string,
): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "assay-pdf-"));
  try {
    const [page, pdf] = [join(folder, "page.html"), join(folder, "page.pdf")];
    writeFileSync(page, html);
    const said = await run(browser, [
      ...FLAGS,
      ...(isRoot() ? ["--no-sandbox"] : []),
      `--user-data-dir=${join(folder, "profile")}`,
      `--print-to-pdf=${pdf}`,
      pathToFileURL(page).href,
    ]);
    return read(pdf, browser, said);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs a program to its end, and gives what it said on its standard error output. */
const run = (program: string, args: readonly string[]): Promise<string> =>
  new Promise((done) => {
    execFile(
      program,
      [...args],
      { timeout: LONGEST_MS, killSignal: "SIGKILL" },
      (error, _, said) =>
        done(error?.killed ? "it did not end" : said || (error?.message ?? "")),
    );
  });

function read(pdf: string, browser: string, said: string): Uint8Array {
  try {
    return readFileSync(pdf);
  } catch {
    throw new AssayError(
      "PDF_FAILED",
      `${browser} wrote no PDF: ${lastLine(said)}`,
      /sandbox/i.test(said)
        ? "Its sandbox needs user namespaces, which are forbidden here, as in some containers. Allow them, print as root of a container, or print report.html by hand."
        : "Name another browser by CHROME_PATH, or print report.html by hand.",
    );
  }
}

const lastLine = (said: string): string =>
  said.trim().split("\n").at(-1)?.slice(0, 300) || "it said nothing";
