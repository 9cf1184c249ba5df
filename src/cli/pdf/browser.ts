import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { AssayError } from "#core";

/** What Chromium and browsers of its kind are called, the free one first. */
const names = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chrome",
  "microsoft-edge",
  "msedge",
];

/** Where they are, where nothing leads to them from the PATH. */
const placesOn: Readonly<
  Partial<Record<NodeJS.Platform, (env: NodeJS.ProcessEnv) => string[]>>
> = {
  darwin: () =>
    ["Chromium", "Google Chrome", "Microsoft Edge"].map(
      (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
    ),
  win32: (env) =>
    [env.ProgramFiles, env["ProgramFiles(x86)"], env.LOCALAPPDATA].flatMap(
      (folder) =>
        folder === undefined
          ? []
          : [
              join(folder, "Google", "Chrome", "Application", "chrome.exe"),
              join(folder, "Microsoft", "Edge", "Application", "msedge.exe"),
            ],
    ),
};

/**
 * The path of an installed Chromium: what CHROME_PATH names, otherwise the first that
 * is on the PATH or where installers put it. Nothing is downloaded.
 *
 * @throws NO_BROWSER
 */
export function installedBrowser(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const { CHROME_PATH: named } = env;
  if (named) {
    if (isProgram(named)) return named;
    throw new AssayError(
      "NO_BROWSER",
      `CHROME_PATH names ${named}, which is no program that can be run`,
      "Name Chromium, Chrome or Edge there, or unset it.",
    );
  }
  const ending = platform === "win32" ? ".exe" : "";
  const folders = (env.PATH ?? "").split(delimiter).filter(Boolean);
  const places = [
    ...names.flatMap((name) => folders.map((f) => join(f, name + ending))),
    ...(placesOn[platform]?.(env) ?? []),
  ];
  const found = places.find(isProgram);
  if (found !== undefined) return found;
  throw new AssayError(
    "NO_BROWSER",
    "no Chromium, Chrome or Edge was found to print the report with",
    "Install Chromium (Debian and Ubuntu: apt install chromium), or name a browser by CHROME_PATH. report.html prints as well from any browser by hand.",
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
