import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { loadSuite } from "#audit";
import { packagePath } from "#core";
import { saveModel } from "#model";
import { suiteSchema } from "../src/audit/suite/schema.ts";
import * as library from "../src/index.ts";
import { reference } from "./reference.ts";

/** The first block of code of a document in a language. */
const block = (language: string, file = "README.md") =>
  new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(
    readFileSync(packagePath(file), "utf8"),
  )?.[1] ?? "";

test("the library example runs as it stands", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-readme-"));
  saveModel(join(folder, "model.onnx"), await reference());
  // Node resolves the package's own name from inside the package.
  const code = block("js").replace(
    'from "assay"',
    `from ${JSON.stringify(packagePath("dist/src/index.js"))}`,
  );
  writeFileSync(join(folder, "example.mjs"), code);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["example.mjs"],
    { cwd: folder },
  );
  expect(stdout).toMatch(/^robust [\d.]+, 95 % interval [\d.]+ to [\d.]+\n$/);
});

test.each(["README.md", "docs/suites.md", "docs/first-audit.md"])(
  "the suite example of %s follows the schema",
  (file) => {
    const written = block("yaml", file);
    expect(written).not.toBe("");
    expect(() => suiteSchema.parse(parse(written))).not.toThrow();
  },
);

test("the module example is a suite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-readme-"));
  const file = join(folder, "suite.mjs");
  const code = block("ts", "docs/suites.md").replace(
    'from "assay"',
    `from ${JSON.stringify(packagePath("dist/src/index.js"))}`,
  );
  writeFileSync(file, code);
  const { suite } = await loadSuite(file);
  expect(suite.candidates.warm).toMatchObject({
    settings: { schedule: { unit: { id: "function" } } },
  });
});

test("the package can be imported by its name, and its types are there", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      'import("assay").then((m) => console.log(Object.keys(m).sort().join()))',
    ],
    { cwd: packagePath() },
  );
  expect(stdout.trim().split(",")).toEqual(Object.keys(library).sort());
  expect(readFileSync(packagePath("dist/src/index.d.ts"), "utf8")).toContain(
    "OpenModel",
  );
});
