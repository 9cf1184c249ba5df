import { execFile } from "node:child_process";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { beforeAll, expect, test } from "vitest";
import { packagePath } from "#core";
import { temporaryFolder } from "../folder.ts";
import { installPacked } from "../packed.ts";

const home = installPacked(temporaryFolder());

const node = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: home,
    maxBuffer: 2 ** 26,
  });
  return stdout;
};

const vitest = (path: string) =>
  node("node_modules/vitest/vitest.mjs", "run", path, "--root", home);

beforeAll(async () => {
  cpSync(packagePath("examples"), home, { recursive: true });
  expect(await node("make-run.mjs")).toBe("6 cells\n");
});

test("arrays are attacked", async () => {
  const lines = (await node("attack-arrays/main.mjs")).trim().split("\n");
  expect(lines.length).toBe(3);
  const shares = lines.map((line) => Number(/robust (\d+) %/.exec(line)?.[1]));
  expect(shares).toEqual(shares.toSorted((a, b) => b - a));
  expect(shares[0]).toBeGreaterThan(shares[2]!);
});

test("an attack of one's own runs, and finds less than PGD", async () => {
  const out = await node("custom-attack/main.mjs");
  const [own, pgd] = Array.from(out.matchAll(/robust ([\d.]+)/g), ([, v]) =>
    Number(v),
  );
  expect(own).toBeGreaterThan(pgd!);
});

test("adversarial training is more robust than plain", async () => {
  const out = await node("fine-tune/main.mjs");
  const [plain, adversarial] = Array.from(
    out.matchAll(/robust ([\d.]+)/g),
    ([, v]) => Number(v),
  );
  expect(adversarial).toBeGreaterThan(plain!);
});

test("robustness is a test of one's own project", async () => {
  expect(await vitest("gate")).toContain("2 passed");
});

test("what the notebook reads is in results.json and in Parquet", async () => {
  const paths = JSON.parse(
    readFileSync(join(home, "notebook/paths.json"), "utf8"),
  );
  const at = (value: unknown, path: string) =>
    path
      .split(".")
      .reduce((v, key) => (v as Record<string, unknown>)[key], value);
  const results = JSON.parse(
    readFileSync(join(home, "runs/digits/results.json"), "utf8"),
  );
  for (const path of paths.results) expect(at(results, path)).toBeDefined();
  for (const cell of results.cells)
    for (const path of paths.cell) expect(at(cell, path)).toBeDefined();
  const cli = "node_modules/assay/dist/src/cli/main.js";
  await node(cli, "report", "runs/digits", "--reporter", "parquet");
  const file = await asyncBufferFromFile(
    join(home, "runs/digits/parquet", `${paths.table}.parquet`),
  );
  const rows = await parquetReadObjects({ file });
  expect(rows.length).toBe(results.cells.length);
  for (const row of rows)
    expect(Object.keys(row)).toEqual(expect.arrayContaining(paths.columns));
  // The script names no other path, and the file that it reads them from.
  const script = readFileSync(join(home, "notebook/read_results.py"), "utf8");
  expect(script).toContain("paths.json");
  expect(script).not.toContain('["robustAccuracy"]');
});

test("a package brings units to a suite, which keep the laws", async () => {
  const cli = "node_modules/assay/dist/src/cli/main.js";
  const suite = "assay-plugin-example/suite.yaml";
  const args = ["--workers", "2", "--reporter", "lines", "--quiet"];
  await node(cli, "run", suite, "--out", "runs/plugin", ...args);
  const lines = readFileSync(join(home, "runs/plugin/cells.txt"), "utf8");
  expect(lines).toContain("given/dark/ladder@linf-0.2");
  expect(await vitest("assay-plugin-example")).toMatch(/\d+ passed/);
});

test("documents that are named by path are in the package", async () => {
  const code = `
    import { createRequire } from "node:module";
    const { resolve } = createRequire(import.meta.url);
    for (const name of ["assay/package.json", "assay/suites/quick.yaml", "assay/schema/results-1.schema.json"])
      console.log(resolve(name));
  `;
  const out = await node("--input-type=module", "-e", code);
  for (const path of out.trim().split("\n"))
    expect(existsSync(path)).toBe(true);
});
