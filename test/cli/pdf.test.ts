import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderHtml } from "#reports";
import { installedBrowser } from "../../src/cli/pdf/browser.ts";
import { asPdf } from "../../src/cli/pdf/print.ts";
import { browserPath, noChromium } from "../chromium.ts";
import { exampleResults } from "../reports/results.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-browser-"));

const program = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
};

test("a browser is what CHROME_PATH names, or the first on the PATH", () => {
  const own = program("chromium", "exit 0");
  const other = program("other", "exit 0");
  expect(installedBrowser({ PATH: folder }, "linux")).toBe(own);
  expect(installedBrowser({ PATH: folder, CHROME_PATH: other }, "linux")).toBe(
    other,
  );
  const broken = { PATH: folder, CHROME_PATH: join(folder, "nothing") };
  expect(() => installedBrowser(broken, "linux")).toThrow(/CHROME_PATH names/);
});

test("without a browser the refusal says what to install", () => {
  expect(() => installedBrowser({ PATH: "/nowhere" }, "linux")).toThrow(
    expect.objectContaining({
      code: "NO_BROWSER",
      hint: expect.stringContaining("apt install chromium"),
    }),
  );
});

test("a browser that fails is told by its last words, and one without a sandbox by what it needs", async () => {
  const failing = (words: string) =>
    asPdf("<p>", program("failing", `echo "${words}" >&2; exit 1`));
  await expect(failing("out of paper")).rejects.toThrow(/out of paper/);
  await expect(failing("No usable sandbox!")).rejects.toMatchObject({
    code: "PDF_FAILED",
    hint: expect.stringContaining("user namespaces"),
  });
});

test.skipIf(noChromium)(
  "a report becomes a PDF of several pages, and nothing is asked of any network",
  async () => {
    let asked = 0;
    const server = createServer((_, answer) => {
      asked++;
      answer.end();
    }).listen(0, "127.0.0.1");
    try {
      await new Promise((done) => server.once("listening", done));
      const { port } = server.address() as AddressInfo;
      const html = await renderHtml(exampleResults());
      const pdf = await asPdf(
        // The policy of the page would stop these by itself.
        `${html.replace(/<meta http-equiv[^>]*>/, "")}<img src="http://127.0.0.1:${port}/"><img src="http://localhost:${port}/">`,
        browserPath,
      );
      const text = Buffer.from(pdf).toString("latin1");
      expect(text.startsWith("%PDF-")).toBe(true);
      expect(text.match(/\/Type \/Page\b/g)!.length).toBeGreaterThan(3);
      expect(asked).toBe(0);
    } finally {
      server.close();
    }
  },
);
