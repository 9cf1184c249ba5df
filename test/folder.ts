import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";

/** A folder for one test file, removed when its tests have run. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Makes a folder the current one until the tests of this file have run. */
export function workIn(folder: string): void {
  const before = process.cwd();
  process.chdir(folder);
  afterAll(() => process.chdir(before));
}

/** Writes a file below a folder and returns its path. */
export function put(
  folder: string,
  name: string,
  content: Uint8Array | string,
): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}
