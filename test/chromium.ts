import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where Debian's Chromium is, unless CHROMIUM says otherwise. */
export const browserPath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** True when there is no browser; never in CI, where its absence has to fail. */
export const noChromium = !existsSync(browserPath) && !process.env.CI;
if (noChromium)
  console.warn(
    `no Chromium at ${browserPath}: browser tests are skipped (install it, or set CHROMIUM)`,
  );

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: browserPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
